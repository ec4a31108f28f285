"""The reference: recurrent cells in NumPy float64, one example and one gate at a time.

Written from the equations, sharing nothing with the library: no batch, no mask, nothing packed
once a cell has taken its parameters apart. A sequence is the list of the steps it visits: its
length ends the list, `reverse` turns it round, a reset forgets what came before. States and
parameters are dicts by the names that the library uses.

There are forward equations alone. Derivatives are taken by the complex step: the functions are
analytic, so f(x + ih) = f(x) + ih f'(x) up to h^2, and with h = 1e-30 the imaginary part over h
is f'(x) to rounding, for nothing is subtracted. All numbers that an example depends on are moved
at once: every array has one more axis, the last, whose n-th place is the world in which number n
was moved by ih. The equations do not see it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

Vector = np.ndarray
Named = dict[str, Any]

H = 1e-30


class Reference:
    """A cell as equations; `cell` are its options and `params` its parameters by name."""

    def __init__(self, cell: Any, params: Named) -> None:
        self.cell, self.params = cell, params

    def start(self) -> Named:
        """The state before the first step."""
        raise NotImplementedError

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector]:
        """The state after a step, and the output."""
        raise NotImplementedError

    def zeros(self, size: int) -> Vector:
        """Zero, in as many worlds as the parameters have."""
        like = self.params["w_x"]
        return np.zeros((size, *like.shape[2:]), like.dtype)


class Packed(Reference):
    """A cell whose gates, all of one width, the library packs in the order of `packing`."""

    packing: str

    def __init__(self, cell: Any, params: Named) -> None:
        super().__init__(cell, params)
        widths = dict.fromkeys(self.packing, cell.hidden_size)
        self.w, self.u = unpack(params["w_x"], widths, 1), unpack(params["w_h"], widths, 1)
        self.b = unpack(params["b"], widths, 0)

    def gate(self, name: str, x: Vector, h: Vector) -> Vector:
        """What a gate computes before its squashing."""
        return times(x, self.w[name]) + times(h, self.u[name]) + self.b[name]


class LSTM(Packed):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

    packing = "ifgo"

    def start(self) -> Named:
        size = self.cell.hidden_size
        return {"c": self.zeros(size), "h": self.zeros(size)}

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector]:
        i = sigmoid(self.gate("i", x, state["h"]))
        f = sigmoid(self.gate("f", x, state["h"]))
        g = np.tanh(self.gate("g", x, state["h"]))
        o = sigmoid(self.gate("o", x, state["h"]))
        c = f * state["c"] + i * g
        h = o * np.tanh(c)
        return {"c": c, "h": h}, h


def unroll(
    cell: Any,
    kind: type[Reference],
    params: Any,
    xs: np.ndarray,
    state: Any = None,
    lengths: np.ndarray | None = None,
    resets: np.ndarray | None = None,
    *,
    reverse: bool = False,
    truncate: int | None = None,
) -> tuple[tuple[Named, np.ndarray], Callable[[Any, np.ndarray], tuple]]:
    """((final state, ys), pull_back), as `jax.vjp` of the library's `unroll` gives them.

    `pull_back(d_final, d_ys)` is the gradient of the parameters, of xs and of the given state.
    Cutting a gradient is to carry on the real part alone.
    """
    params, xs, state = (in_float64(tree) for tree in (params, xs, state))
    steps, batch, _ = xs.shape

    def visits(b: int) -> Iterator[int]:
        own = range(steps if lengths is None else lengths[b])
        return reversed(own) if reverse else iter(own)

    def run(b: int, inputs: Named) -> tuple[Named, Vector]:
        """The final state and the outputs (T, H, worlds) of one example."""
        model = kind(cell, inputs["params"])
        now = model.start() if state is None else inputs["state"]
        ys = np.stack([model.zeros(cell.output_size)] * steps)
        for count, t in enumerate(visits(b)):
            if truncate and count and count % truncate == 0:
                now = jax.tree.map(np.real, now)
            before = model.start() if resets is not None and resets[t, b] else now
            now, ys[t] = model.forward(before, inputs["xs"][t])
        return now, ys

    examples = [
        {"params": params, "xs": xs[:, b], "state": example(state, b)} for b in range(batch)
    ]
    found = [run(b, moved(inputs)) for b, inputs in enumerate(examples)]

    def pull_back(d_final: Any, d_ys: np.ndarray) -> tuple[Named, np.ndarray, Named | None]:
        gradients = []
        for b, results in enumerate(found):
            weights = example(in_float64(d_final), b), np.float64(d_ys[:, b])
            products = jax.tree.map(
                lambda d, leaf: np.tensordot(d, leaf.imag, d.ndim) / H, weights, results
            )
            total = np.sum(jax.tree.leaves(products), axis=0)
            gradients.append(shaped(total, examples[b]))
        d_params = jax.tree.map(lambda *each: sum(each), *(each["params"] for each in gradients))
        d_xs = np.stack([each["xs"] for each in gradients], axis=1)
        return d_params, d_xs, together([each["state"] for each in gradients])

    values = [jax.tree.map(lambda leaf: leaf[..., 0].real, results) for results in found]
    final, ys = zip(*values, strict=True)
    return (together(final), np.stack(ys, axis=1)), pull_back


def moved(tree: Any) -> Any:
    """A tree of float64 with a last axis of worlds, in each of which one number is moved."""
    flat = np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])
    return shaped(flat[:, None] + 1j * H * np.eye(flat.size), tree)


def shaped(flat: np.ndarray, like: Any) -> Any:
    """The inverse of concatenating the leaves of a tree; further axes of `flat` stay."""
    leaves, structure = jax.tree.flatten(like)
    parts = np.split(flat, np.cumsum([leaf.size for leaf in leaves])[:-1])
    shapes = [leaf.shape + flat.shape[1:] for leaf in leaves]
    reshaped = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return jax.tree.unflatten(structure, reshaped)


def times(x: Vector, w: np.ndarray) -> Vector:
    """The product x @ w, in each world on its own."""
    return np.einsum("i...,ij...->j...", x, w)


def sigmoid(z: Vector) -> Vector:
    return 1 / (1 + np.exp(-z))


def unpack(packed: np.ndarray, widths: dict[str, int], axis: int) -> Named:
    """Each gate's share of an axis, by its name."""
    ends = np.cumsum(list(widths.values()))
    assert packed.shape[axis] == ends[-1], (packed.shape, widths)
    return dict(zip(widths, np.split(packed, ends[:-1], axis), strict=True))


def in_float64(tree: Any) -> Any:
    """A tree of arrays in float64, NamedTuples as dicts by their fields."""
    if hasattr(tree, "_asdict"):
        return {name: in_float64(leaf) for name, leaf in tree._asdict().items()}
    return None if tree is None else np.asarray(tree, np.float64)


def example(tree: Any, b: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[b], tree)


def together(examples: Any) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *examples)
