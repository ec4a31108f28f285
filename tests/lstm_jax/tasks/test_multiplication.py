"""Multiplication: products read from the inputs alone, chance, and the two stopping rules."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Adding, Batch, Multiplication, Window
from tests.lstm_jax.tasks.odds import draw, grade

TASK = Multiplication(length=20)
SEQUENCES = 20_000


@pytest.fixture(scope="module")
def batch() -> Batch:
    return Batch(*map(np.asarray, draw(TASK, SEQUENCES, seed=7)))


def test_targets_are_the_products_of_what_is_marked(batch: Batch) -> None:
    for n in range(2000):
        length = batch.lengths[n]
        values, markers = batch.inputs[:length, n].astype(np.float64).T
        assert markers[0] == markers[-1] == -1
        marked = [t for t in range(length) if markers[t] == 1]
        if len(marked) == 1:
            assert values[0] == 1
            marked = [0, *marked]
        assert len(marked) == 2
        product = math.prod(values[t] for t in marked)
        assert batch.targets[length - 1, n, 0] == pytest.approx(product, abs=1e-6)
        assert np.flatnonzero(batch.weights[:, n]).tolist() == [length - 1]
        assert not batch.inputs[length:, n].any()


def test_marks_markers_and_lengths_are_those_of_adding(batch: Batch) -> None:
    adding = draw(Adding("hochreiter1997", 20), SEQUENCES, seed=7)
    np.testing.assert_array_equal(batch.inputs[..., 1], adding.inputs[..., 1])
    np.testing.assert_array_equal(batch.lengths, adding.lengths)
    values = batch.inputs[1:20, :, 0]
    assert 0 <= values.min() < 1e-4
    assert 1 - 1e-4 < values.max() < 1
    assert values.mean() == pytest.approx(0.5, abs=4 * 12**-0.5 / values.size**0.5)


def test_chance_is_the_error_of_the_best_constant(batch: Batch) -> None:
    targets = batch.targets[-1, :, 0].astype(np.float64)
    for stated, errors in (
        (TASK.chance, np.abs(targets - np.median(targets))),
        (TASK.chance_loss, np.square(targets - targets.mean())),
    ):
        assert stated == pytest.approx(errors.mean(), abs=4 * errors.std() / len(errors) ** 0.5)


def test_correct_means_within_a_twenty_fifth() -> None:
    few = draw(TASK, 3)
    outputs = few.targets + jnp.array([0.039, -0.041, 0.0])[:, None]
    assert grade(TASK, outputs, few).correct.tolist() == [True, False, True]


def test_solved_as_in_1997() -> None:
    assert Multiplication().criterion == Window(sequences=2000, max_wrong=139)
    assert Multiplication(wrong=13).criterion == Window(sequences=2000, max_wrong=12)
    assert Multiplication().max_length == Multiplication().lag == 110
