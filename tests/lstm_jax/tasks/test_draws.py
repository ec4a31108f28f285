"""Integers drawn together: each uniform below its own bound, and apart from the others."""

import collections
import itertools

import jax
import numpy as np
import pytest

from lstm_jax.tasks.draws import distinct, integers
from tests.lstm_jax.tasks.odds import assert_distributed, even

BOUNDS = [1, 2, 7, 10, 10]
DRAWS = 4_000


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    keys = jax.random.split(jax.random.key(5), DRAWS)
    return np.asarray(jax.jit(jax.vmap(lambda key: integers(key, BOUNDS)))(keys))


def odds_of(values: list, expected: int) -> float:
    """How rarely a uniform draw among `expected` values is as uneven as this (chi-square)."""
    counts, mean = collections.Counter(values), len(values) / expected
    statistic = sum((n - mean) ** 2 / mean for n in counts.values())
    statistic += (expected - len(counts)) * mean
    return float(jax.scipy.stats.chi2.sf(statistic, expected - 1.0))


@pytest.mark.parametrize("place", range(len(BOUNDS)))
def test_each_is_uniform_below_its_bound(drawn: np.ndarray, place: int) -> None:
    values = drawn[:, place].tolist()
    assert set(values) == set(range(BOUNDS[place]))
    assert BOUNDS[place] == 1 or odds_of(values, BOUNDS[place]) > 1e-4


def test_equal_bounds_do_not_give_equal_numbers(drawn: np.ndarray) -> None:
    pairs = list(map(tuple, drawn[:, 3:].tolist()))
    assert odds_of(pairs, 100) > 1e-4


def test_numbers_are_int32() -> None:
    assert jax.eval_shape(lambda key: integers(key, BOUNDS), jax.random.key(0)).dtype == np.int32


def test_bounds_may_be_computed() -> None:
    key = jax.random.key(1)
    assert jax.jit(integers)(key, np.array(BOUNDS)).tolist() == integers(key, BOUNDS).tolist()


@pytest.mark.parametrize("below, count", [(5, 2), (3, 3), (5, 1)])
def test_distinct_numbers_come_in_any_order(below: int, count: int) -> None:
    keys = jax.random.split(jax.random.key(6), DRAWS)
    found = jax.jit(jax.vmap(lambda key: distinct(key, below, count)))(keys)
    assert_distributed(
        collections.Counter(map(tuple, found.tolist())),
        even(itertools.permutations(range(below), count)),
    )
