"""What the tests of diagnostics look at: cells of every kind, alone and in models."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import GRU, LSTM, Bidirectional, Stack
from lstm_jax.cells import Cell
from lstm_jax.layers import SequenceModel
from tests import reference
from tests.cases import BATCH, CASES, INPUTS, WRAPPED, draw, normal

STEPS = 7

REFERENCED = ["lstm", "lstm1997", "elman", "lstm_variant of everything", "gru", "reset_first_gru"]
"""A case of every kind of step; those first that have least in common."""

CELLS: dict[str, Cell] = {
    "lstm": CASES["lstm"][0],
    "zoneout of a whole step": WRAPPED["zoneout of a whole step"],
    **{case: CASES[case][0] for case in REFERENCED[1:]},
    "zoneout": WRAPPED["zoneout"],
    "everything": WRAPPED["everything"],
}
"""Those, and cells around cells."""

STACK = Stack((LSTM(3), Bidirectional(GRU(3), LSTM(2))))
MODEL = SequenceModel(STACK, INPUTS, 2)
FORWARDS = SequenceModel(Stack((LSTM(4), GRU(4)), residual=True), INPUTS, 2, shortcut=True)


def called(cell: Cell, steps: int = STEPS) -> Any:
    """Random parameters, inputs and lengths, 0 and T among them, as arrays of JAX."""
    call = draw(cell, {"lengths"}, steps=steps)
    return jax.tree.map(jnp.asarray, (call.params, call.xs, call.lengths))


def of_model(model: SequenceModel) -> Any:
    """Random parameters, inputs and lengths of a model."""
    rng = np.random.default_rng(5)
    params = normal(rng, jax.eval_shape(model.init, jax.random.key(0)), scale=0.6)
    xs = np.float32(rng.normal(size=(STEPS, BATCH, INPUTS)))
    return jax.tree.map(jnp.asarray, (params, xs, np.array([STEPS, 0, 4, STEPS - 1])))


def in_worlds(case: str, params: Any) -> tuple[reference.Reference, Callable[[Any], Any]]:
    """The reference of a cell in as many worlds as its state has numbers; and a state moved so
    that its n-th number is, in world n, another by an imaginary step.
    """
    cell, kind = CASES[case]
    plain = reference.in_float64(params)
    start = kind(cell, jax.tree.map(lambda leaf: leaf[..., None], plain)).start()
    widths = {name: len(part) for name, part in start.items() if part is not None}
    numbers = sum(widths.values())
    units = reference.unpack(1j * reference.H * np.eye(numbers), widths, 0)

    def moved(state: dict[str, Any]) -> dict[str, Any]:
        return {
            name: part if part is None else part.real + units[name] for name, part in state.items()
        }

    worlds = jax.tree.map(lambda leaf: np.repeat(leaf[..., None] + 0j, numbers, axis=-1), plain)
    return kind(cell, worlds), moved


def slope(numbers: Any) -> Any:
    """The derivatives by what was moved, of a tree of arrays."""
    return jax.tree.map(lambda leaf: leaf.imag / reference.H, numbers)


def states_of(case: str, params: Any, xs: Any, lengths: Any) -> list[list[dict[str, Any]]]:
    """The states of the reference after each step, by sequence."""
    cell, kind = CASES[case]
    told = kind(cell, reference.in_float64(params))
    found: list[list[dict[str, Any]]] = []
    for b, length in enumerate(np.asarray(lengths)):
        state, found = told.start(), [*found, []]
        for x in np.float64(xs)[:length, b]:
            state, _ = told.forward(state, x)
            found[-1].append(state)
    return found
