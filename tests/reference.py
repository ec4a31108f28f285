"""The reference: recurrent cells in NumPy float64, one example and one gate at a time.

Written from the equations, sharing nothing with the library: no packed arrays, no batch, no
mask. A sequence is the list of the steps it visits: its length ends the list, `reverse` turns
it round, a reset forgets what came before. The derivatives are by hand, and walk the same list
backwards (BPTT). States and parameters are dicts by the names that the library uses.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Vector = np.ndarray
Named = dict[str, np.ndarray]


class Gate:
    """What one gate computes before its squashing, W x + U h + b, and its derivatives."""

    def __init__(self, w: np.ndarray, u: np.ndarray, b: Vector) -> None:
        self.w, self.u, self.b = w, u, b
        self.dw, self.du, self.db = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b)

    def forward(self, x: Vector, h: Vector) -> Vector:
        return self.w @ x + self.u @ h + self.b

    def backward(self, dz: Vector, x: Vector, h: Vector) -> tuple[Vector, Vector]:
        """dL/dx and dL/dh; what the weights get is added up over all steps and examples."""
        self.dw += np.outer(dz, x)
        self.du += np.outer(dz, h)
        self.db += dz
        return self.w.T @ dz, self.u.T @ dz


class Packed:
    """A cell whose gates the library packs along one axis, in the order of `packing`."""

    packing: str

    def __init__(self, params: Any) -> None:
        size = params.w_h.shape[0]
        self.gates = {}
        for number, name in enumerate(self.packing):
            own = slice(number * size, (number + 1) * size)
            self.gates[name] = Gate(params.w_x[:, own].T, params.w_h[:, own].T, params.b[own])

    def gradient(self) -> Named:
        """dL/d(params), packed as the library packs them."""
        gates = [self.gates[name] for name in self.packing]
        return {
            "w_x": np.hstack([gate.dw.T for gate in gates]),
            "w_h": np.hstack([gate.du.T for gate in gates]),
            "b": np.hstack([gate.db for gate in gates]),
        }


class LSTM(Packed):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

    packing = "ifgo"

    class Tape(NamedTuple):
        """What the way back needs of one step; `c` is the cell state after it."""

        x: Vector
        c_before: Vector
        h_before: Vector
        i: Vector
        f: Vector
        g: Vector
        o: Vector
        c: Vector

    def start(self) -> Named:
        size = len(self.gates["i"].b)
        return {"c": np.zeros(size), "h": np.zeros(size)}

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector, Tape]:
        c_before, h_before = state["c"], state["h"]
        i = sigmoid(self.gates["i"].forward(x, h_before))
        f = sigmoid(self.gates["f"].forward(x, h_before))
        g = np.tanh(self.gates["g"].forward(x, h_before))
        o = sigmoid(self.gates["o"].forward(x, h_before))
        c = f * c_before + i * g
        h = o * np.tanh(c)
        return {"c": c, "h": h}, h, self.Tape(x, c_before, h_before, i, f, g, o, c)

    def backward(self, tape: Tape, d_state: Named, dy: Vector) -> tuple[Named, Vector]:
        """dL/d(state before) and dL/dx, from dL/d(state after) and dL/dy."""
        x, c_before, h_before, i, f, g, o, c = tape
        dh = d_state["h"] + dy
        dc = d_state["c"] + dh * o * (1 - np.tanh(c) ** 2)
        dz = {
            "i": dc * g * i * (1 - i),
            "f": dc * c_before * f * (1 - f),
            "g": dc * i * (1 - g**2),
            "o": dh * np.tanh(c) * o * (1 - o),
        }
        dx, dh_before = np.zeros_like(x), np.zeros_like(h_before)
        for name, gate in self.gates.items():
            through_x, through_h = gate.backward(dz[name], x, h_before)
            dx += through_x
            dh_before += through_h
        return {"c": dc * f, "h": dh_before}, dx


def unroll(
    kind: type[Packed],
    params: Any,
    xs: np.ndarray,
    state: Any = None,
    lengths: np.ndarray | None = None,
    resets: np.ndarray | None = None,
    reverse: bool = False,
) -> tuple[tuple[Named, np.ndarray], Callable[[Any, np.ndarray], tuple]]:
    """((final state, ys), pull_back), as `jax.vjp` of the library's `unroll` gives them.

    `pull_back(d_final, d_ys)` is the gradient of the parameters, of xs and of the given state;
    call it once.
    """
    cell = kind(params._replace(**in_float64(params)))
    xs = np.asarray(xs, np.float64)
    steps, batch, _ = xs.shape

    def visits(b: int) -> Iterator[int]:
        own = range(steps if lengths is None else lengths[b])
        return reversed(own) if reverse else iter(own)

    tapes: list[list[tuple[int, bool, Any]]] = [[] for _ in range(batch)]
    finals, ys = [], {}
    for b in range(batch):
        now = cell.start() if state is None else example(in_float64(state), b)
        for t in visits(b):
            reset = resets is not None and bool(resets[t, b])
            now, ys[t, b], tape = cell.forward(cell.start() if reset else now, xs[t, b])
            tapes[b].append((t, reset, tape))
        finals.append(now)

    def pull_back(d_final: Any, d_ys: np.ndarray) -> tuple[Named, np.ndarray, Named | None]:
        d_xs, d_starts = np.zeros_like(xs), []
        for b in range(batch):
            d_now = example(in_float64(d_final), b)
            for t, reset, tape in reversed(tapes[b]):
                d_now, d_xs[t, b] = cell.backward(tape, d_now, np.float64(d_ys[t, b]))
                if reset:
                    d_now = {name: np.zeros_like(leaf) for name, leaf in d_now.items()}
            d_starts.append(d_now)
        return cell.gradient(), d_xs, None if state is None else together(d_starts)

    final = together(finals)
    size = len(cell.forward(cell.start(), xs[0, 0])[1])
    return (final, filled(ys, (steps, batch, size))), pull_back


def sigmoid(z: Vector) -> Vector:
    return 1 / (1 + np.exp(-z))


def in_float64(leaves: Any) -> Named:
    return {name: np.asarray(leaf, np.float64) for name, leaf in leaves._asdict().items()}


def example(leaves: Named, b: int) -> Named:
    return {name: leaf[b] for name, leaf in leaves.items()}


def together(examples: list[Named]) -> Named:
    return {name: np.stack([leaves[name] for leaves in examples]) for name in examples[0]}


def filled(ys: dict[tuple[int, int], Vector], shape: tuple[int, int, int]) -> np.ndarray:
    """The outputs as one array, zero where no step was visited."""
    array = np.zeros(shape)
    for place, y in ys.items():
        array[place] = y
    return array
