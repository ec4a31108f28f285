"""The two-sequence problem: noise, lengths, targets and stopping rules of its three kinds."""

import collections
import math

import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, HeldOut, TwoSequences
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

SEQUENCES = 10_000
TASKS = [TwoSequences("3a", 20, 3), TwoSequences("3b", 20, 1), TwoSequences("3c", 20, 2)]


@pytest.fixture(scope="module", params=TASKS, ids=lambda task: task.variant)
def drawn(request: pytest.FixtureRequest) -> tuple[TwoSequences, Batch]:
    task = request.param
    batch = draw(task, SEQUENCES, seed=6)
    return task, Batch(*map(np.asarray, batch))


def assert_normal(values: np.ndarray, variance: float) -> None:
    """Mean, variance and tails are those of normal noise, within four standard errors."""
    values = values.ravel().astype(np.float64)
    count = values.size
    assert abs(values.mean()) < 4 * (variance / count) ** 0.5
    assert abs(values.var() / variance - 1) < 4 * (2 / count) ** 0.5
    beyond = (np.abs(values) > variance**0.5).mean()
    assert abs(beyond - math.erfc(0.5**0.5)) < 4 * 0.47 / count**0.5


def test_the_first_numbers_show_the_class_and_the_others_are_noise(
    drawn: tuple[TwoSequences, Batch],
) -> None:
    task, batch = drawn
    first = {"3a": 1.0, "3b": 1.0, "3c": 0.2}[task.variant]  # the target of class 1
    sign = np.where(np.isclose(batch.targets[0, :, 1], first), 1.0, -1.0)
    shown = batch.inputs[: task.shown, :, 0] - sign
    if task.variant == "3b":
        assert_normal(shown, 0.2)
    else:
        assert not shown.any()
    assert_normal(batch.inputs[task.shown : task.length], 0.2)
    assert_distributed(collections.Counter(sign.tolist()), even([-1.0, 1.0]))


def test_targets_and_their_noise(drawn: tuple[TwoSequences, Batch]) -> None:
    task, batch = drawn
    taught, clean = batch.targets[0].T
    assert (batch.targets == batch.targets[0]).all()
    expected = [0.2, 0.8] if task.variant == "3c" else [0.0, 1.0]
    np.testing.assert_allclose(np.unique(clean), expected, atol=1e-6)
    if task.variant == "3c":
        assert_normal(taught - clean, 0.1)
    else:
        np.testing.assert_array_equal(taught, clean)


def test_lengths_padding_and_the_step_that_counts(drawn: tuple[TwoSequences, Batch]) -> None:
    _, batch = drawn
    assert_distributed(collections.Counter(batch.lengths.tolist()), even([20, 21, 22]))
    for n in range(1000):
        assert not batch.inputs[batch.lengths[n] :, n].any()
        assert np.flatnonzero(batch.weights[:, n]).tolist() == [batch.lengths[n] - 1]


def test_chance_is_the_error_of_the_best_constant(drawn: tuple[TwoSequences, Batch]) -> None:
    task, batch = drawn
    constants = np.linspace(0.1, 0.9, 9)
    errors = [np.abs(batch.targets[0, :, 1] - c).mean() for c in constants]
    assert task.chance == pytest.approx(min(errors), abs=4 * 0.5 / SEQUENCES**0.5)


def test_noisy_targets_are_taught_and_clean_ones_judged() -> None:
    task = TwoSequences("3c", 20, 1)
    batch = draw(task, 3)
    off = jnp.array([0.09, -0.09, 0.11])
    p = batch.targets[..., 1:] + off[:, None]
    for loss in ("likelihood", "squares"):
        scores = grade(TwoSequences("3c", 20, 1, loss=loss), jnp.log(p / (1 - p)), batch)
        assert scores.correct.tolist() == [True, True, False]
        np.testing.assert_allclose(scores.error, jnp.abs(off), rtol=1e-4)
        taught, p0 = np.asarray(batch.targets[0, :, 0], np.float64), np.asarray(p[0, :, 0])
        cost = (p0 - taught) ** 2
        if loss == "likelihood":
            cost = -taught * np.log(p0) - (1 - taught) * np.log(1 - p0)
        np.testing.assert_allclose(scores.loss, cost, rtol=1e-4, atol=1e-6)


def test_correct_means_within_a_fifth_where_targets_are_plain() -> None:
    batch = draw(TASKS[0], 2)
    p = jnp.abs(batch.targets[..., :1] - jnp.array([0.19, 0.21])[:, None])
    assert grade(TASKS[0], jnp.log(p / (1 - p)), batch).correct.tolist() == [True, False]


@pytest.mark.parametrize(
    "variant, stop, criterion",
    [
        ("3a", "st1", HeldOut(math.inf, 0, 256)),
        ("3a", "st2", HeldOut(0.01, 0, 256)),
        ("3b", "st1", HeldOut(math.inf, 5, 256)),
        ("3b", "st2", HeldOut(0.04, 5, 256)),
        ("3c", "st1", HeldOut(0.015, 0, 256)),
        ("3c", "st2", HeldOut(0.015, 0, 256)),
    ],
)
def test_stopping_rules_are_those_of_the_paper(variant: str, stop: str, criterion: HeldOut) -> None:
    task = TwoSequences(variant, stop=stop)
    assert (task.criterion, task.test_size, task.max_length) == (criterion, 2560, 110)


def test_some_numbers_must_be_noise() -> None:
    with pytest.raises(ValueError, match="shown=20 must be below length=20"):
        TwoSequences("3a", 20, 20)
