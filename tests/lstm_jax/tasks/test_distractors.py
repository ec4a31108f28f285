"""Distractors: every sequence read symbol by symbol, the tail's length, and what is correct."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, Distractors, HeldOut
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

TASK = Distractors(q=4, p=3)
SEQUENCES = 20_000


@pytest.fixture(scope="module")
def batch() -> Batch:
    return Batch(*map(np.asarray, draw(TASK, SEQUENCES, seed=8)))


def test_every_sequence_reads_as_in_the_paper(batch: Batch) -> None:
    assert batch.inputs.shape == (4 + 99 + 3, SEQUENCES)
    names = np.array(TASK.symbols)
    for n in range(2000):
        begin, answer, *middle, trigger = names[batch.inputs[: batch.lengths[n], n]]
        assert (begin, trigger) == ("b", "e")
        assert TASK.answers[batch.targets[batch.lengths[n] - 1, n]] == answer
        assert set(middle) <= {"a1", "a2", "a3"}
        assert len(middle) >= 4
        weights = batch.weights[:, n].tolist()
        assert weights.pop(int(batch.lengths[n]) - 1) == 1
        assert not any(weights)
        assert not batch.inputs[batch.lengths[n] :, n].any()


def test_the_tail_ends_with_probability_one_tenth_at_each_step(batch: Batch) -> None:
    tails = collections.Counter(np.minimum(batch.lengths - 7, 50).tolist())
    odds = {k: 0.1 * 0.9**k for k in range(50)} | {50: 0.9**50}
    assert_distributed(tails, odds)
    mean = 9 * (1 - 0.9**99)
    assert abs((batch.lengths - 7).mean() - mean) < 4 * 90**0.5 / SEQUENCES**0.5
    assert batch.lengths.max() <= 4 + 99 + 3


def test_answers_and_distractors_are_even_and_apart(batch: Batch) -> None:
    seen = batch.inputs[1:6].T.tolist()
    assert_distributed(collections.Counter(row[0] for row in seen), even([3, 4]))
    triples = collections.Counter(tuple(row[:3]) for row in seen)
    assert_distributed(triples, even((a, b, c) for a in (3, 4) for b in range(3) for c in range(3)))


@pytest.mark.parametrize("loss", ["likelihood", "squares"])
def test_correct_means_both_outputs_within_a_fifth(loss: str) -> None:
    task = Distractors(4, 3, loss)
    batch = draw(task, 3)
    right = jnp.array([0.81, 0.79, 0.5])
    logit = jnp.log(right / (1 - right))
    sign = 2 * jax.nn.one_hot(batch.targets, 2) - 1
    outputs = sign * logit[:, None] * (0.5 if loss == "likelihood" else 1.0)
    scores = grade(task, jnp.where(batch.weights[..., None] > 0, outputs, 7.0), batch)
    assert scores.correct.tolist() == [True, False, False]
    np.testing.assert_allclose(scores.error, 1 - right, rtol=1e-5)
    assert task.chance == scores.error[2]


def test_sizes_and_criterion() -> None:
    task = Distractors(q=1000, p=500)
    assert (task.input_size, task.output_size) == (504, 2)
    assert (task.max_length, task.lag) == (1102, 1100)
    assert (task.criterion, task.test_size) == (HeldOut(max_wrong=0), 10_000)
