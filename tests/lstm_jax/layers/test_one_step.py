"""A step over any batch axes is the cell's own step, row by row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, DropConnect, LearnedState, LSTMState
from lstm_jax.layers.one_step import check_draws_nothing, initial_carry, step
from tests.cases import normal
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(3)
PARAMS = jax.tree.map(
    jnp.array, normal(np.random.default_rng(0), CELL.init(jax.random.key(0), 2), 0.7)
)


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)], ids=str)
def test_any_batch_axes(batch: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    carry = LSTMState(*(jnp.float32(rng.normal(size=(*batch, 3))) for _ in "ch"))
    x = jnp.float32(rng.normal(size=(*batch, 2)))
    found = step(CELL, PARAMS, carry, x)
    rows = jax.tree.map(lambda a: a.reshape(-1, a.shape[-1]), (carry, x))
    expected = CELL.step(PARAMS, *rows)
    flat = jax.tree.map(lambda a: a.reshape(-1, a.shape[-1]), found)
    assert_close(flat, expected, CLOSE["float32"])
    assert found[1].shape == (*batch, 3)


def test_begins_where_the_cell_begins() -> None:
    cell = LearnedState(CELL)
    params = cell.init(jax.random.key(0), 2)
    params = params._replace(start=LSTMState(c=jnp.arange(3.0), h=jnp.ones(3)))
    carry = initial_carry(cell, params, (5, 2))
    np.testing.assert_array_equal(carry.c, np.broadcast_to(np.arange(3.0), (5, 2, 3)))


def test_parameters_stored_in_bfloat16_are_computed_with_in_float32() -> None:
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), PARAMS)
    carry = initial_carry(CELL, params, (4,))
    found = step(CELL, params, carry, jnp.ones((4, 2), jnp.bfloat16))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((carry, found))} == {"float32"}


def test_wrong_input(bad_input: None) -> None:
    carry = initial_carry(CELL, PARAMS, (4,))
    with pytest.raises(ValueError, match=r"xs of width 5, params.*\(5, 12\), got \(2, 12\)"):
        step(CELL, PARAMS, carry, jnp.ones((4, 5)))
    with pytest.raises(ValueError, match=r"carry\.c must have shape \(2, 3\), got \(4, 3\)"):
        step(CELL, PARAMS, carry, jnp.ones((2, 2)))
    with pytest.raises(TypeError, match=r"carry must be LSTMState\(.*, got \(\(4, 3\), \(4, 3\)\)"):
        step(CELL, PARAMS, tuple(carry), jnp.ones((4, 2)))


def test_a_cell_that_draws_is_refused_in_training() -> None:
    check_draws_nothing(CELL, deterministic=False)
    check_draws_nothing(DropConnect(CELL), deterministic=True)
    with pytest.raises(ValueError, match="draws noise for whole sequences"):
        check_draws_nothing(DropConnect(CELL), deterministic=False)
