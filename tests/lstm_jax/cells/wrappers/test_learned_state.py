"""A learned beginning: a parameter that starts a sequence and every reset, taught by both."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, unroll
from lstm_jax.cells import LSTM1997, Cell, LearnedState, LSTMVariant, ResetFirstGRU
from lstm_jax.executors import EXECUTORS, Request
from tests.cases import (
    BATCH,
    HIDDEN,
    OPTIONS,
    SERVING,
    STEPS,
    cotangents,
    draw,
    outputs_and_gradients,
)
from tests.tolerances import CLOSE, assert_close

INNER: dict[str, Cell] = {
    "lstm": LSTM(HIDDEN),
    "gates": LSTMVariant(HIDDEN, gate_recurrence=True),
    "1997": LSTM1997(4, block_size=2),
    "whole step": ResetFirstGRU(HIDDEN),
}
SERVED = [
    (executor, name)
    for executor in EXECUTORS
    for name, cell in INNER.items()
    if EXECUTORS[executor].unsupported(Request(cell, "cpu")) is None
]
every_inner = pytest.mark.parametrize("inner", INNER.values(), ids=INNER)


def tiled(start: tuple, batch: int = BATCH) -> tuple:
    return jax.tree.map(lambda leaf: np.tile(leaf, (batch, 1)), start)


@every_inner
def test_begins_to_learn_at_the_initial_state_of_the_cell(inner: Cell) -> None:
    params = LearnedState(inner).init(jax.random.key(0), 2)
    assert_close(params.cell, inner.init(jax.random.key(0), 2), CLOSE["float32"])
    initial = inner.initial_state(params.cell, BATCH)
    assert_close(tiled(params.start), initial, CLOSE["float32"])


@pytest.mark.few(3)
@pytest.mark.parametrize("executor, name", SERVED)
def test_a_sequence_begins_at_the_parameter_and_teaches_it(executor: str, name: str) -> None:
    """As the cell within does with that state given: its gradient is the sum over the batch."""
    inner = INNER[name]
    cell = LearnedState(inner)
    call = draw(cell, {"lengths"})
    weights = cotangents(cell, call)
    found, (d_params, d_xs, _) = outputs_and_gradients(call, weights, cell=cell, executor=executor)
    given = call._replace(params=call.params.cell, state=tiled(call.params.start))
    expected = outputs_and_gradients(given, weights, cell=inner, executor=executor)
    results, (d_cell, d_inner_xs, d_state) = expected
    taught = jax.tree.map(lambda leaf: leaf.sum(axis=0), d_state)
    assert_close(found, results, CLOSE["float32"])
    assert_close(
        (d_params.cell, d_params.start, d_xs), (d_cell, taught, d_inner_xs), CLOSE["float32"]
    )


@pytest.mark.few(1)
@pytest.mark.parametrize("executor", SERVING)
def test_a_reset_goes_back_to_the_parameter_and_teaches_it(executor: str) -> None:
    cell = LearnedState(LSTM(HIDDEN))
    call = draw(cell, {"state"})
    call = call._replace(resets=np.zeros((STEPS, BATCH), bool))
    call.resets[11] = True
    weights = cotangents(cell, call)
    found, (d_params, d_xs, _) = outputs_and_gradients(call, weights, cell=cell, executor=executor)
    late = call._replace(xs=call.xs[11:], state=None, resets=call.resets[11:])
    late_weights = weights[0], weights[1][11:]
    (final, ys), (d_late, d_late_xs, _) = outputs_and_gradients(
        late, late_weights, cell=cell, executor=executor
    )
    assert_close((found[0], found[1][11:]), (final, ys), CLOSE["float32"])
    assert_close((d_params.start, d_xs[11:]), (d_late.start, d_late_xs), CLOSE["float32"])


def test_a_given_state_takes_its_place() -> None:
    cell = LearnedState(LSTM(HIDDEN))
    call = jax.tree.map(jnp.asarray, draw(cell, OPTIONS["state"]))
    expected = unroll(cell.cell, call.params.cell, *call[1:3])
    assert_close(unroll(cell, *call[:3]), expected, CLOSE["float32"])
