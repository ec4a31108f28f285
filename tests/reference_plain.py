"""References of the cells without a cell state: gated recurrent units and Elman networks."""

import numpy as np

from tests.reference import Named, Packed, Vector, sigmoid, times


class Hidden(Packed):
    """A cell whose state is its output h."""

    def start(self) -> Named:
        return {"h": self.zeros(self.cell.hidden_size)}

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector]:
        h = self.after(state["h"], x)
        return {"h": h}, h

    def after(self, h: Vector, x: Vector) -> Vector:
        """The new h."""
        raise NotImplementedError


class GRU(Hidden):
    """Gated recurrent unit with the reset gate after the recurrent product, as torch has it."""

    packing = "rzn"

    def after(self, h: Vector, x: Vector) -> Vector:
        r = sigmoid(self.gate("r", x, h))
        z = sigmoid(self.gate("z", x, h))
        u = times(h, self.u["n"]) + self.params["b_u"]
        n = np.tanh(times(x, self.w["n"]) + self.b["n"] + r * u)
        return z * h + (1 - z) * n


class ResetFirstGRU(Hidden):
    """Gated recurrent unit with the reset gate before the recurrent product (Cho et al. 2014)."""

    packing = "rzn"

    def after(self, h: Vector, x: Vector) -> Vector:
        r = sigmoid(self.gate("r", x, h))
        z = sigmoid(self.gate("z", x, h))
        n = np.tanh(self.gate("n", x, r * h))
        return z * h + (1 - z) * n


class Elman(Hidden):
    """Elman 1990; rectified units with their corner at a real part of zero."""

    packing = "n"

    def after(self, h: Vector, x: Vector) -> Vector:
        z = self.gate("n", x, h)
        return np.tanh(z) if self.cell.activation == "tanh" else np.where(z.real > 0, z, 0)
