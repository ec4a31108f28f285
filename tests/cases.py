"""What the tests of the core run on: every cell and executor, every option, random arrays."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np

from lstm_jax import LSTM, unroll
from lstm_jax.cells import GRU, IRNN, Cell, Elman, ResetFirstGRU
from lstm_jax.executors import EXECUTORS
from tests import reference, reference_plain

STEPS, BATCH, INPUTS, HIDDEN = 37, 4, 2, 3
"""37 is prime: a schedule in chunks has several, and a rest."""

CASES: dict[str, tuple[Cell, Any]] = {
    "lstm": (LSTM(HIDDEN), reference.LSTM),
    "gru": (GRU(HIDDEN), reference_plain.GRU),
    "reset_first_gru": (ResetFirstGRU(HIDDEN), reference_plain.ResetFirstGRU),
    "elman": (Elman(HIDDEN), reference_plain.Elman),
    "irnn": (IRNN(HIDDEN), reference_plain.IRNN),
}
"""Every cell, with its reference: a name of `CELLS`, then what is special about the variant."""

SCALES: dict[type[Cell], float] = {Elman: 0.4, IRNN: 0.3}
"""Standard deviation of a cell's random parameters, 0.7 unless named here: at that size a
recurrence without gates stretches every rounding, and a rectified one explodes."""

PAIRS = [
    (executor, case)
    for executor in EXECUTORS
    for case, (cell, _) in CASES.items()
    if EXECUTORS[executor].unsupported(cell) is None
]
"""Every executor with every cell that it serves."""

CROSS = [
    (executor, case)
    for executor, case in PAIRS
    if case == "lstm" or (executor == "scan" and case != "irnn")
]
"""Every executor with one cell, every cell with one executor: what follows for the rest from the
conformance of all pairs. Without rectified units, which are silent by themselves at times."""

OPTIONS: dict[str, set[str]] = {
    "plain": set(),
    "state": {"state"},
    "lengths": {"lengths"},
    "resets": {"resets"},
    "reverse": {"reverse"},
    "all": {"state", "lengths", "resets", "reverse"},
}
"""What a call of `unroll` can ask for."""


class Call(NamedTuple):
    """The arrays of a call of `unroll`."""

    params: Any
    xs: Any
    state: Any = None
    lengths: Any = None
    resets: Any = None


def normal(rng: np.random.Generator, like: Any, scale: float = 1.0) -> Any:
    """A tree of Gaussian arrays with the shapes and dtypes of another."""

    def leaf(a: Any) -> np.ndarray:
        return rng.normal(scale=scale, size=a.shape).astype(a.dtype)

    return jax.tree.map(leaf, like)


def draw(
    cell: Cell,
    options: Iterable[str] = (),
    seed: int = 0,
    dtype: str = "float32",
    steps: int = STEPS,
    batch: int = BATCH,
) -> Call:
    """A random call. Lengths include 0 and `steps`; no bias is zero, unlike after `init`."""
    rng = np.random.default_rng(seed)
    params = jax.eval_shape(lambda key: cell.init(key, INPUTS, dtype), jax.random.key(0))
    state = jax.eval_shape(lambda params: cell.initial_state(params, batch), params)
    ends = [0, steps, *rng.integers(steps + 1, size=batch)][:batch]
    drawn = {
        "state": normal(rng, state),
        "lengths": rng.permutation(ends),
        "resets": rng.random((steps, batch)) < 0.1,
    }
    return Call(
        params=normal(rng, params, scale=SCALES.get(type(cell), 0.7)),
        xs=rng.normal(size=(steps, batch, INPUTS)).astype(dtype),
        **{name: value for name, value in drawn.items() if name in set(options)},
    )


def cotangents(cell: Cell, call: Call, seed: int = 1) -> tuple[Any, Any]:
    """Random weights for every number that `unroll` returns: (final state, ys)."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda params, xs: unroll(cell, params, xs), call.params, call.xs)
    return normal(rng, shapes)


@functools.partial(jax.jit, static_argnames=("cell", "executor", "reverse"))
def outputs(
    call: Call, *, cell: Cell, executor: str = "auto", reverse: bool = False
) -> tuple[Any, jax.Array]:
    """`unroll` under `jit`, compiled once for all tests."""
    options = {"lengths": call.lengths, "resets": call.resets, "reverse": reverse}
    return unroll(cell, call.params, call.xs, call.state, executor=executor, **options)


@functools.partial(jax.jit, static_argnames=("cell", "executor", "reverse"))
def outputs_and_gradients(
    call: Call, weights: tuple[Any, Any], *, cell: Cell, executor: str, reverse: bool
) -> tuple[Any, Any]:
    """((final state, ys), gradients of params, xs and state), for cotangents `weights`."""

    def run(params: Any, xs: Any, state: Any) -> tuple[Any, jax.Array]:
        again = call._replace(params=params, xs=xs, state=state)
        return outputs(again, cell=cell, executor=executor, reverse=reverse)

    results, pull_back = jax.vjp(run, call.params, call.xs, call.state)
    return results, pull_back(weights)
