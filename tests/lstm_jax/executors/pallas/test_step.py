"""One step as the kernels see it: flags, and a row turned down."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM
from lstm_jax.executors.pallas.layout import Blocks
from lstm_jax.executors.pallas.step import HELD, PLAIN, RESTARTED, Loop, down, product, step_of
from tests.cases import draw
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(3)
LOOP = Loop(CELL, CELL, Blocks(batch=4, steps=1, units=3), interpret=True)


def test_a_row_turns_down() -> None:
    row = jnp.array([[3.0, -1.0, 0.0, 7.0]])
    np.testing.assert_array_equal(down(row), row.T)


def test_flags_hold_restart_or_let_pass() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, {"state"}, steps=1))
    flags = jnp.array([[[HELD, PLAIN, RESTARTED, PLAIN]]])
    step = step_of(LOOP, flags, 0)
    found = step.advance(
        call.params,
        call.state,
        call.xs[0] @ call.params.w_x,
        product(step.fed(call.state), call.params.w_h),
    )
    going_on = CELL.advance(call.params, call.state, call.xs[0])
    anew = CELL.advance(call.params, CELL.initial_state(call.params, 4), call.xs[0])
    rows = [call.state, going_on, anew, going_on]
    wanted = [jnp.stack([state[n][b] for b, state in enumerate(rows)]) for n in range(2)]
    assert_close(tuple(found), tuple(wanted), CLOSE["float32"])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_products_round_their_operands_alone(dtype: str) -> None:
    rng = np.random.default_rng(0)
    r, w = jnp.float32(rng.normal(size=(4, 64))), jnp.asarray(rng.normal(size=(64, 8)), dtype)
    rounded = [np.asarray(a.astype(dtype), np.float64) for a in (r, w)]
    found = product(r, w)
    assert found.dtype == jnp.float32
    assert_close(found, rounded[0] @ rounded[1], CLOSE["float32"])
