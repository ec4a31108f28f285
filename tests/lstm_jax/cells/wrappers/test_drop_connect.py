"""DropConnect: recurrent weights are left out, the same for all steps and sequences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Noise, unroll
from lstm_jax.cells import Cell, DropConnect, LearnedState, ResetFirstGRU
from tests.cases import BATCH, HIDDEN, OPTIONS, draw
from tests.tolerances import CLOSE, assert_close

NOISE = Noise(jax.random.key(3))


@pytest.mark.parametrize("inner", [LSTM(HIDDEN), ResetFirstGRU(HIDDEN), LearnedState(LSTM(HIDDEN))])
def test_is_the_cell_with_recurrent_weights_left_out(inner: Cell) -> None:
    cell = DropConnect(inner, rate=0.3)
    call = jax.tree.map(jnp.asarray, draw(cell, OPTIONS["all"]))
    params = cell.disturb(call.params, NOISE, BATCH)
    options = {"lengths": call.lengths, "resets": call.resets}
    found = unroll(cell, *call[:3], noise=NOISE, **options)
    assert_close(found, unroll(inner, params, *call[1:3], **options), CLOSE["float32"])
    changed = [
        jax.tree_util.keystr(path)
        for path, same in jax.tree.leaves_with_path(
            jax.tree.map(lambda a, b: bool((a == b).all()), params, call.params)
        )
        if not same
    ]
    assert len(changed) == 1
    assert changed[0].endswith(".w_h")


def test_the_weights_have_the_rate_and_keep_their_mean() -> None:
    cell = DropConnect(LSTM(64), rate=0.3)
    params = draw(cell).params
    found = np.asarray(cell.disturb(params, NOISE, BATCH).w_h)
    dropped = found == 0
    np.testing.assert_allclose(dropped.mean(), 0.3, atol=4 * np.sqrt(0.21 / dropped.size))
    np.testing.assert_allclose(found[~dropped], params.w_h[~dropped] / 0.7, rtol=1e-6)


def test_what_is_left_out_gets_no_gradient() -> None:
    cell = DropConnect(LSTM(HIDDEN), rate=0.3)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}))
    kept = cell.disturb(call.params, NOISE, BATCH).w_h != 0
    gradient = jax.grad(lambda p: unroll(cell, p, *call[1:3], noise=NOISE)[1].sum())(call.params)
    np.testing.assert_array_equal(gradient.w_h != 0, kept)
