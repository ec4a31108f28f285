"""What the tests of the core run on: every cell and executor, every option, random arrays."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import LSTM, unroll
from lstm_jax.cells import (
    CELLS,
    GRU,
    IRNN,
    JANET,
    LSTM1997,
    LSTMP,
    Cell,
    DropConnect,
    Elman,
    LayerNormLSTM,
    LearnedState,
    LSTMVariant,
    RecurrentDropout,
    ResetFirstGRU,
    Zoneout,
)
from lstm_jax.executors import EXECUTORS, Request
from tests import reference, reference_plain, reference_variants

STEPS, BATCH, INPUTS, HIDDEN = 37, 4, 2, 3
"""37 is prime: a schedule in chunks has several, and a rest."""

WHOLE = 36
"""Steps that leave no rest, which would compile every loop twice."""

NORMALISED = 8
"""Hidden size under layer normalisation: the variance of 3 numbers is often so close to 0 that
dividing by it stretches every rounding a thousand times."""

Case = tuple[Cell, type[reference.Reference]]

PRESETS = ["peephole_lstm", "nig", "nfg", "nog", "niaf", "noaf", "np", "cifg", "fgr", "janet"]
"""Variants of the LSTM that have a name and need no option."""

VARIANTS: dict[str, Cell] = {
    "lstm_variant": LSTMVariant(HIDDEN),
    **{name: CELLS[name](HIDDEN) for name in PRESETS},  # type: ignore[call-arg]
    "lstmp": LSTMP(HIDDEN, projection_size=2),
    "layer_norm_lstm": LayerNormLSTM(NORMALISED),
    "lstm_variant of everything": LSTMVariant(
        NORMALISED, peepholes=True, gate_recurrence=True, projection_size=3, layer_norm=True
    ),
    "lstm_variant coupled with a shift": LSTMVariant(
        HIDDEN, peepholes=True, input_gate="coupled", coupled_shift=1.0, gate_recurrence=True
    ),
    "lstm_variant of a forget gate": LSTMVariant(
        NORMALISED, input_gate="coupled", output_gate=False, projection_size=3, layer_norm=True
    ),
}

OF_1997: dict[str, LSTM1997] = {
    "lstm1997": LSTM1997(HIDDEN),
    "lstm1997 truncated blocks of 2": LSTM1997(4, block_size=2, truncated=True, biased="gates"),
    "lstm1997 forget gate": LSTM1997(
        4, block_size=2, forget_gate=True, fed_back="cells", limits=(1.0, 2.0)
    ),
    "lstm1997 forget gate truncated": LSTM1997(
        HIDDEN, forget_gate=True, biased="gates", truncated=True
    ),
    "lstm1997 input gate alone": LSTM1997(
        HIDDEN, output_gate=False, fed_back="none", biased="none"
    ),
}

CASES: dict[str, Case] = {
    "lstm": (LSTM(HIDDEN), reference.LSTM),
    "gru": (GRU(HIDDEN), reference_plain.GRU),
    "reset_first_gru": (ResetFirstGRU(HIDDEN), reference_plain.ResetFirstGRU),
    "elman": (Elman(HIDDEN), reference_plain.Elman),
    "irnn": (IRNN(HIDDEN), reference_plain.Elman),
    **{name: (cell, reference_variants.LSTMVariant) for name, cell in VARIANTS.items()},
    **{name: (cell, reference_variants.LSTM1997) for name, cell in OF_1997.items()},
}
"""Every cell, with its reference: a name of `CELLS`, then what is special about the variant."""

MANY_OPTIONS = LSTMVariant(HIDDEN, peepholes=True, gate_recurrence=True, projection_size=2)

WRAPPED: dict[str, Cell] = {
    "zoneout": Zoneout(LSTM(HIDDEN), c=0.4, h=0.2),
    "zoneout of a whole step": Zoneout(ResetFirstGRU(HIDDEN), h=0.3),
    "recurrent_dropout": RecurrentDropout(LSTM(HIDDEN), rate=0.4),
    "drop_connect": DropConnect(GRU(HIDDEN), rate=0.3),
    "learned_state": LearnedState(LSTM(HIDDEN)),
    "everything": Zoneout(
        DropConnect(RecurrentDropout(LearnedState(MANY_OPTIONS), rate=0.3), rate=0.2), c=0.3, h=0.2
    ),
    "everything inside out": LearnedState(
        RecurrentDropout(Zoneout(DropConnect(LSTM1997(4, block_size=2)), c=0.3), rate=0.4)
    ),
}
"""Cells around a cell, and around each other."""

SCALES: dict[type[Cell], float] = {Elman: 0.4, IRNN: 0.25, JANET: 0.4, LSTMVariant: 0.5}
"""Standard deviation of a cell's random parameters, 0.7 unless named here: at that size a
recurrence without gates stretches every rounding, and a rectified one explodes. At 0.25 rounding
to bfloat16 moves no rectified unit of the table across its corner, to another derivative."""

SERVING = [
    name
    for name, each in EXECUTORS.items()
    if each.unsupported(Request(LSTM(HIDDEN), "cpu")) is None
]
"""Every executor that runs on a CPU; what the others serve is in their own tests."""

PAIRS = [
    (executor, case)
    for executor in EXECUTORS
    for case, (cell, _) in CASES.items()
    if EXECUTORS[executor].unsupported(Request(cell, "cpu")) is None
]
"""Every executor with every cell that it serves."""

KINDS = ["gru", "reset_first_gru", "elman", "lstm_variant of everything", "lstm1997"]
"""A case of every kind of step beside the LSTM: none is rectified, for units that are silent by
themselves at times, and none truncated, for its derivative is no derivative of its values."""

CROSS = [(executor, "lstm") for executor in SERVING if executor != "checkpointed"] + [
    ("scan", case) for case in CASES if case in KINDS and case != "lstm"
]
"""Every executor with one cell (but `checkpointed`, which runs segments by another), every kind
of cell with one executor: what follows for the rest
from the conformance of all pairs."""

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
    """A tree of Gaussian arrays with the shapes and dtypes of another.

    The numbers are those of float32 in any wider dtype too, so that one result is expected of
    all dtypes.
    """

    def leaf(a: Any) -> np.ndarray:
        return np.float32(rng.normal(scale=scale, size=a.shape)).astype(a.dtype)

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
    params, state = shapes(cell, dtype, batch)
    ends = [0, steps, *rng.integers(steps + 1, size=batch)][:batch]
    drawn = {
        "state": normal(rng, state),
        "lengths": rng.permutation(ends),
        "resets": rng.random((steps, batch)) < 0.1,
    }
    return Call(
        params=normal(rng, params, scale=SCALES.get(type(cell), 0.7)),
        xs=normal(rng, jax.ShapeDtypeStruct((steps, batch, INPUTS), dtype)),
        **{name: value for name, value in drawn.items() if name in set(options)},
    )


@functools.cache
def shapes(cell: Cell, dtype: str, batch: int) -> tuple[Any, Any]:
    """The shapes of a cell's parameters and of its state."""
    with jax.enable_x64(dtype == "float64"):
        params = jax.eval_shape(lambda key: cell.init(key, INPUTS, dtype), jax.random.key(0))
        return params, jax.eval_shape(lambda params: cell.initial_state(params, batch), params)


def spelt_out(cell: Cell, call: Call) -> Call:
    """The same call with nothing left out: calls that differ in their options compile once."""
    steps, batch, _ = call.xs.shape
    start = cell.initial_state(call.params, batch)
    return call._replace(
        state=start if call.state is None else call.state,
        lengths=np.full(batch, steps) if call.lengths is None else call.lengths,
        resets=np.zeros((steps, batch), bool) if call.resets is None else call.resets,
    )


def turned(array: Any, lengths: np.ndarray) -> np.ndarray:
    """Each sequence backwards within its length, its padding left behind it."""
    array = np.array(array)
    for b, length in enumerate(lengths):
        array[:length, b] = array[:length, b][::-1]
    return array


def cotangents(cell: Cell, call: Call, seed: int = 1) -> tuple[Any, Any]:
    """Random weights for every number that `unroll` returns: (final state, ys)."""
    rng = np.random.default_rng(seed)
    steps, batch, _ = call.xs.shape
    _, state = shapes(cell, str(call.xs.dtype), batch)
    ys = jax.ShapeDtypeStruct((steps, batch, cell.output_size), call.xs.dtype)
    return normal(rng, (state, ys))


@functools.partial(jax.jit, static_argnames=("cell", "executor", "reverse"))
def outputs(
    call: Call, *, cell: Cell, executor: str = "auto", reverse: bool = False
) -> tuple[Any, jax.Array]:
    """`unroll` under `jit`, compiled once for all tests."""
    options = {"lengths": call.lengths, "resets": call.resets, "reverse": reverse}
    return unroll(cell, call.params, call.xs, call.state, executor=executor, **options)


def outputs_and_gradients(
    call: Call,
    weights: tuple[Any, Any],
    *,
    cell: Cell,
    executor: str,
    reverse: bool = False,
    **further: Any,
) -> tuple[Any, Any]:
    """((final state, ys), gradients of params, xs and state), for cotangents `weights`.

    Not under `jit`: `unroll` compiles its loop by itself, the same for both directions.
    """
    call, weights = jax.tree.map(jnp.asarray, (call, weights))
    options = {"lengths": call.lengths, "resets": call.resets, "reverse": reverse, **further}

    def run(params: Any, xs: Any, state: Any) -> tuple[Any, jax.Array]:
        return unroll(cell, params, xs, state, executor=executor, **options)

    results, pull_back = jax.vjp(run, call.params, call.xs, call.state)
    return results, pull_back(weights)
