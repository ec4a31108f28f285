"""The meaning of lengths, resets and reverse, without a cell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax import sequence

STEPS, BATCH = 5, 4
LENGTHS = np.array([3, 0, STEPS, 1])
RANKS = [(), (2,), (2, 3)]


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def test_mask_is_true_for_each_sequences_first_steps() -> None:
    mask = sequence.mask(jnp.array(LENGTHS), STEPS)
    assert mask.T.tolist() == [[t < length for t in range(STEPS)] for length in LENGTHS]


@pytest.mark.parametrize("rest", RANKS)
def test_flip_turns_each_sequence_within_its_length(rest: tuple[int, ...]) -> None:
    array = values(STEPS, BATCH, *rest)
    turned = sequence.flip(jnp.array(array), jnp.array(LENGTHS))
    for b, length in enumerate(LENGTHS):
        expected = np.concatenate([array[:length, b][::-1], array[length:, b]])
        np.testing.assert_array_equal(turned[:, b], expected)


def test_flip_without_lengths_turns_all_steps() -> None:
    array = values(STEPS, BATCH)
    np.testing.assert_array_equal(sequence.flip(jnp.array(array), None), array[::-1])


@given(lengths=st.lists(st.integers(0, STEPS), min_size=BATCH, max_size=BATCH))
def test_flip_is_its_own_inverse(lengths: list[int]) -> None:
    tree = {"marked": jnp.array(values(STEPS, BATCH) > 0), "x": jnp.array(values(STEPS, BATCH, 2))}
    lengths = jnp.array(lengths)
    again = sequence.flip(sequence.flip(tree, lengths), lengths)
    jax.tree.map(np.testing.assert_array_equal, again, tree)


@pytest.mark.parametrize("rest", RANKS)
@pytest.mark.parametrize("leading", [(BATCH,), (STEPS, BATCH)])
def test_select_takes_the_condition_on_the_leading_axes(
    leading: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    condition, chosen = values(*leading) > 0, values(*leading, *rest)
    other = chosen - 10
    found = sequence.select(*map(jnp.array, (condition, chosen, other)))
    for place in np.ndindex(*leading):
        wanted = chosen[place] if condition[place] else other[place]
        np.testing.assert_array_equal(found[place], wanted)


@pytest.fixture
def old() -> dict[str, jax.Array]:
    return {"c": jnp.array(values(BATCH, 2)), "n": jnp.arange(BATCH)}


@pytest.fixture
def new(old: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {"c": old["c"] + 10, "n": old["n"] + 10}


TRUE_FOR = jnp.array([True, False, False, True])


def where_true(first: dict, second: dict) -> dict:
    chosen = {True: first, False: second}
    return {
        name: np.stack([chosen[row][name][n] for n, row in enumerate(TRUE_FOR.tolist())])
        for name in first
    }


def test_restart_sets_those_that_reset_to_the_initial_state(old: dict, new: dict) -> None:
    found = sequence.restart(old, new, TRUE_FOR)
    jax.tree.map(np.testing.assert_array_equal, found, where_true(new, old))


def test_hold_keeps_the_old_state_past_the_end(old: dict, new: dict) -> None:
    found = sequence.hold(old, new, TRUE_FOR)
    jax.tree.map(np.testing.assert_array_equal, found, where_true(new, old))


def test_silence_is_zero_past_the_end_and_keeps_dtypes(new: dict) -> None:
    zeros = jax.tree.map(jnp.zeros_like, new)
    found = sequence.silence(new, TRUE_FOR)
    jax.tree.map(np.testing.assert_array_equal, found, where_true(new, zeros))
    assert found["n"].dtype == new["n"].dtype


def test_silence_passes_neither_a_nan_nor_its_gradient() -> None:
    spoilt = jnp.array([1.0, jnp.nan, jnp.inf, 2.0])

    def total(x: jax.Array) -> jax.Array:
        return jnp.sum(3.0 * sequence.silence(x, TRUE_FOR))

    value, gradient = jax.value_and_grad(total)(spoilt)
    assert value == 9.0
    assert gradient.tolist() == [3.0, 0.0, 0.0, 3.0]


def test_without_mask_or_resets_nothing_is_computed(old: dict, new: dict) -> None:
    assert sequence.restart(old, new, None) is old
    assert sequence.hold(old, new, None) is new
    assert sequence.silence(new, None) is new
