"""Recurrent dropout: one mask of what feeds back, for all steps of a sequence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Noise, unroll
from lstm_jax.cells import RecurrentDropout, ResetFirstGRU
from tests.cases import BATCH, HIDDEN, draw
from tests.tolerances import CLOSE, assert_close

NOISE = Noise(jax.random.key(3))
CELL = RecurrentDropout(LSTM(HIDDEN), rate=0.4)


def test_is_the_cell_with_rows_of_its_recurrent_weights_left_out() -> None:
    """Each sequence with rows of its own, the others scaled up."""
    call = jax.tree.map(jnp.asarray, draw(CELL, {"state"}))
    mask = np.asarray(CELL.disturb(call.params, NOISE, BATCH).mask)
    assert len({tuple(row) for row in mask.tolist()}) > 1
    final, ys = unroll(CELL, *call[:3], noise=NOISE)
    for b in range(BATCH):
        params = call.params._replace(w_h=mask[b][:, None] * call.params.w_h)
        one = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], call.state)
        expected = unroll(CELL.cell, params, call.xs[:, b : b + 1], one)
        found = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], final), ys[:, b : b + 1]
        assert_close(found, expected, CLOSE["float32"])


def test_the_mask_has_the_rate_and_keeps_the_mean() -> None:
    many = 4000
    params = draw(CELL).params
    mask = np.asarray(CELL.disturb(params, NOISE, many).mask)
    assert mask.shape == (many, HIDDEN)
    np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.6], rtol=1e-6)
    np.testing.assert_allclose((mask == 0).mean(axis=0), 0.4, atol=4 * np.sqrt(0.24 / many))


def test_what_is_left_out_gets_no_gradient() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, {"state"}, batch=1))
    mask = CELL.disturb(call.params, NOISE, 1).mask[0]
    gradient = jax.grad(lambda p: unroll(CELL, p, *call[1:3], noise=NOISE)[1].sum())(call.params)
    np.testing.assert_array_equal(gradient.w_h.any(axis=1), mask != 0)


def test_a_cell_whose_step_does_not_split_is_refused() -> None:
    with pytest.raises(ValueError, match="RecurrentDropout needs a cell whose step splits"):
        RecurrentDropout(ResetFirstGRU(HIDDEN))
