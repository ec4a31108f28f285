"""References of the cells without a cell state: gated recurrent units and Elman networks.

As `reference.py`: one example and one gate at a time in float64, derivatives by hand.
"""

from typing import Any, NamedTuple

import numpy as np

from tests.reference import Named, Packed, Vector, sigmoid


class Tape(NamedTuple):
    """What the way back needs of one step; what a cell lacks is empty."""

    x: Vector
    h_before: Vector
    n: Vector
    r: Vector = np.empty(0)
    z: Vector = np.empty(0)
    u: Vector = np.empty(0)


class Hidden(Packed):
    """A cell whose state is its output h; subclasses say how it is computed."""

    def start(self) -> Named:
        return {"h": np.zeros(len(self.gates["n"].b))}


class GRU(Hidden):
    """Gated recurrent unit with the reset gate after the recurrent product, as torch has it."""

    packing = "rzn"

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self.b_u, self.db_u = params.b_u, np.zeros_like(params.b_u)

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector, Tape]:
        h, candidate = state["h"], self.gates["n"]
        r = sigmoid(self.gates["r"].forward(x, h))
        z = sigmoid(self.gates["z"].forward(x, h))
        u = candidate.u @ h + self.b_u
        n = np.tanh(candidate.w @ x + candidate.b + r * u)
        new = z * h + (1 - z) * n
        return {"h": new}, new, Tape(x, h, n, r, z, u)

    def backward(self, tape: Tape, d_state: Named, dy: Vector) -> tuple[Named, Vector]:
        x, h, n, r, z, u = tape
        dh, candidate = d_state["h"] + dy, self.gates["n"]
        d_n = dh * (1 - z) * (1 - n**2)
        candidate.dw += np.outer(d_n, x)
        candidate.db += d_n
        candidate.du += np.outer(d_n * r, h)
        self.db_u += d_n * r
        dx_r, dh_r = self.gates["r"].backward(d_n * u * r * (1 - r), x, h)
        dx_z, dh_z = self.gates["z"].backward(dh * (h - n) * z * (1 - z), x, h)
        dh_before = dh * z + candidate.u.T @ (d_n * r) + dh_r + dh_z
        return {"h": dh_before}, candidate.w.T @ d_n + dx_r + dx_z

    def gradient(self) -> Named:
        return super().gradient() | {"b_u": self.db_u}


class ResetFirstGRU(Hidden):
    """Gated recurrent unit with the reset gate before the recurrent product (Cho et al. 2014)."""

    packing = "rzn"

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector, Tape]:
        h = state["h"]
        r = sigmoid(self.gates["r"].forward(x, h))
        z = sigmoid(self.gates["z"].forward(x, h))
        n = np.tanh(self.gates["n"].forward(x, r * h))
        new = z * h + (1 - z) * n
        return {"h": new}, new, Tape(x, h, n, r, z)

    def backward(self, tape: Tape, d_state: Named, dy: Vector) -> tuple[Named, Vector]:
        x, h, n, r, z, _ = tape
        dh = d_state["h"] + dy
        dx_n, d_reset = self.gates["n"].backward(dh * (1 - z) * (1 - n**2), x, r * h)
        dx_r, dh_r = self.gates["r"].backward(d_reset * h * r * (1 - r), x, h)
        dx_z, dh_z = self.gates["z"].backward(dh * (h - n) * z * (1 - z), x, h)
        return {"h": dh * z + d_reset * r + dh_r + dh_z}, dx_n + dx_r + dx_z


class Elman(Hidden):
    """Elman 1990."""

    packing = "n"

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector, Tape]:
        n = self.activate(self.gates["n"].forward(x, state["h"]))
        return {"h": n}, n, Tape(x, state["h"], n)

    def backward(self, tape: Tape, d_state: Named, dy: Vector) -> tuple[Named, Vector]:
        dz = (d_state["h"] + dy) * self.slope(tape.n)
        dx, dh_before = self.gates["n"].backward(dz, tape.x, tape.h_before)
        return {"h": dh_before}, dx

    def activate(self, z: Vector) -> Vector:
        return np.tanh(z)

    def slope(self, n: Vector) -> Vector:
        return 1 - n**2


class IRNN(Elman):
    """Le, Jaitly & Hinton 2015: rectified units."""

    def activate(self, z: Vector) -> Vector:
        return np.maximum(z, 0)

    def slope(self, n: Vector) -> Vector:
        return (n > 0).astype(float)
