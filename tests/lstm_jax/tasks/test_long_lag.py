"""Long lags: the layout of every sequence, the odds of what is drawn, and what is correct."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, HeldOut, LongLag
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade, held_out

SEQUENCES = 4000
P = 6


def drawn(variant: str) -> Batch:
    task = LongLag(variant, P)
    batch = draw(task, SEQUENCES, seed=1)
    assert batch.lengths is None
    assert (batch.weights == 1).all()
    return batch


def test_2a_has_two_sequences_and_their_targets_are_the_next_symbols() -> None:
    batch = drawn("2a")
    rows = [tuple(row) for row in np.concatenate([batch.inputs, batch.targets[-1:]]).T.tolist()]
    x, y = (5, 0, 1, 2, 3, 4, 5), (6, 0, 1, 2, 3, 4, 6)
    assert_distributed(collections.Counter(rows), even([x, y]))
    assert (batch.targets[:-1] == batch.inputs[1:]).all()


def test_2b_has_a_random_middle() -> None:
    batch = drawn("2b")
    assert (batch.targets[:-1] == batch.inputs[1:]).all()
    assert (batch.targets[-1] == batch.inputs[0]).all()
    assert_distributed(collections.Counter(batch.inputs[0].tolist()), even([5, 6]))
    for t in range(1, P):
        assert_distributed(collections.Counter(batch.inputs[t].tolist()), even(range(5)))
    pairs = zip(batch.inputs[2].tolist(), batch.inputs[3].tolist(), strict=True)
    assert_distributed(collections.Counter(pairs), even((a, b) for a in range(5) for b in range(5)))


def test_the_test_of_2a_is_its_two_sequences() -> None:
    task = LongLag("2a", P)
    batch = held_out(task)
    assert batch.inputs.T.tolist() == [[5, 0, 1, 2, 3, 4], [6, 0, 1, 2, 3, 4]]
    assert batch.targets.T.tolist() == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 6]]
    assert LongLag("2b").test_size == 10_000


def test_chance_is_the_error_at_the_end_without_memory() -> None:
    batch = drawn("2a")
    even_odds = jnp.where(jnp.arange(P)[:, None, None] < P - 1, 50.0, 0.0) * jax.nn.one_hot(
        batch.targets, P + 1
    ) + jnp.where(jnp.arange(P + 1) >= P - 1, 30.0, 0.0)
    scores = grade(LongLag("2a", P), even_odds, batch)
    np.testing.assert_allclose(scores.error, 0.5, atol=1e-4)
    assert LongLag("2a", P).chance == 0.5


@pytest.mark.parametrize("variant", ["2a", "2b"])
@pytest.mark.parametrize("loss", ["likelihood", "squares"])
def test_correct_means_off_by_less_than_a_quarter(variant: str, loss: str) -> None:
    task = LongLag(variant, P, loss)
    batch = draw(task, 3)
    p = jnp.full((P, 3), 0.76).at[-1, 1].set(0.74).at[2, 2].set(0.74)  # of the target
    target = jax.nn.one_hot(batch.targets, P + 1)
    if loss == "likelihood":
        outputs = jnp.log(jnp.where(target > 0, p[..., None], (1 - p[..., None]) / P))
    else:
        outputs = jnp.where(target > 0, 1.0, -1.0) * jnp.log(p / (1 - p))[..., None]
    scores = grade(task, outputs, batch)
    assert scores.correct.tolist() == [True, False, variant == "2b"]
    expected = [0.24, 0.26, 0.26 if variant == "2a" else 0.24]
    np.testing.assert_allclose(scores.error, expected, rtol=1e-4)


def test_the_last_step_may_count_for_more() -> None:
    task = LongLag("2b", P, end_weight=5.0)
    batch = draw(task, 3)
    assert batch.weights.tolist() == [[1.0] * 3] * (P - 1) + [[5.0] * 3]
    outputs = jax.random.normal(jax.random.key(1), (P, 3, P + 1))
    cost = -np.take_along_axis(
        np.asarray(jax.nn.log_softmax(outputs)), np.asarray(batch.targets)[..., None], -1
    )[..., 0]
    expected = (cost[:-1].sum(0) + 5 * cost[-1]) / (P + 4)
    np.testing.assert_allclose(grade(task, outputs, batch).loss, expected, rtol=1e-5)


def test_sizes_and_criterion() -> None:
    task = LongLag("2a")
    assert (task.p, task.input_size, task.output_size, task.lag) == (100, 101, 101, 100)
    assert task.criterion == HeldOut(max_wrong=0)
    assert task.symbols[:2] + task.symbols[-3:] == ["a1", "a2", "a99", "x", "y"]
