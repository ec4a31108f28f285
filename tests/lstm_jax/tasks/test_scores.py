"""Scores against NumPy in float64, with weights that leave steps and whole sequences out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch
from lstm_jax.tasks.scores import (
    Steps,
    cross_entropy,
    is_wrong,
    largest,
    mean_over_time,
    of_class,
    of_logistic,
    regression,
    share_wrong,
)

T, B, O = 5, 4, 3

pytestmark = pytest.mark.usefixtures("strict_ranks")


@pytest.fixture
def weights() -> np.ndarray:
    weights = np.random.default_rng(0).uniform(0.5, 2.0, (T, B)).astype(np.float32)
    weights[:, 1] = 0  # nothing counts
    weights[2:, 2] = 0
    return weights


def values(batch_of: type, weights: np.ndarray) -> tuple[np.ndarray, Batch]:
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(T, B, O)).astype(np.float32)
    targets = (
        rng.integers(0, O, (T, B)).astype(np.int32)
        if batch_of is int
        else rng.normal(size=(T, B, O)).astype(np.float32)
    )
    inputs = jnp.zeros((T, B), jnp.int32)
    return outputs, Batch(inputs, jnp.asarray(targets), jnp.asarray(weights), None)


def by_hand(values: np.ndarray, weights: np.ndarray) -> list[float]:
    return [
        float(np.average(values[:, b], weights=weights[:, b])) if weights[:, b].any() else 0.0
        for b in range(B)
    ]


def test_mean_over_time_weighs_steps_and_is_zero_where_none_counts(weights: np.ndarray) -> None:
    values = np.random.default_rng(2).normal(size=(T, B)).astype(np.float32)
    mean = mean_over_time(jnp.asarray(values), jnp.asarray(weights))
    np.testing.assert_allclose(mean, by_hand(values, weights), rtol=1e-5)


def test_mean_over_time_has_a_finite_gradient_where_none_counts(weights: np.ndarray) -> None:
    gradient = jax.grad(lambda v: mean_over_time(v, jnp.asarray(weights)).sum())(jnp.ones((T, B)))
    assert np.isfinite(gradient).all()
    assert not np.asarray(gradient)[weights == 0].any()


def test_regression(weights: np.ndarray) -> None:
    outputs, batch = values(float, weights)
    outputs[:, 3] = batch.targets[:, 3] + 0.09
    outputs[:2, 2] = batch.targets[:2, 2] + 0.09  # beyond that nothing counts
    scores = regression(jnp.asarray(outputs), batch, tolerance=0.1)
    difference = outputs.astype(np.float64) - batch.targets
    np.testing.assert_allclose(
        scores.loss, by_hand((difference**2).mean(-1), weights), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(
        scores.error, by_hand(np.abs(difference).max(-1), weights), rtol=1e-5, atol=1e-7
    )
    assert scores.correct.tolist() == [False, True, True, True]


def test_regression_by_logistic_outputs_minimises_the_squared_error(weights: np.ndarray) -> None:
    outputs, batch = values(float, weights)
    scores = regression(jnp.asarray(outputs), batch, 0.1, "logistic")
    off = 1 / (1 + np.exp(-outputs.astype(np.float64))) - np.asarray(batch.targets)
    np.testing.assert_allclose(scores.loss, by_hand((off**2).mean(-1), weights), rtol=1e-5)
    np.testing.assert_allclose(scores.error, by_hand(abs(off).max(-1), weights), rtol=1e-5)


def test_regression_at_the_tolerance_is_wrong() -> None:
    batch = Batch(jnp.zeros((1, 2)), jnp.zeros((1, 2, 1)), jnp.ones((1, 2)), None)
    outputs = jnp.array([0.25, np.nextafter(np.float32(0.25), np.float32(0))]).reshape(1, 2, 1)
    assert regression(outputs, batch, tolerance=0.25).correct.tolist() == [False, True]


def test_cross_entropy_is_the_logarithm_of_the_softmax(weights: np.ndarray) -> None:
    outputs, batch = values(int, weights)
    exponentials = np.exp(outputs.astype(np.float64))
    p = exponentials / exponentials.sum(-1, keepdims=True)
    expected = [[-np.log(p[t, b, batch.targets[t, b]]) for b in range(B)] for t in range(T)]
    np.testing.assert_allclose(cross_entropy(jnp.asarray(outputs), batch), expected, rtol=1e-5)


def test_cross_entropy_of_huge_outputs_is_finite() -> None:
    batch = Batch(*[jnp.zeros((1, 1), jnp.int32)] * 2, jnp.ones((1, 1)), None)
    outputs = jnp.array([[[-1e30, 1e30]]])
    assert np.isfinite(cross_entropy(outputs, batch)).all()


def test_is_wrong_where_another_symbol_is_likelier(weights: np.ndarray) -> None:
    outputs, batch = values(int, weights)
    expected = [[max(range(O), key=outputs[t, b].item) for b in range(B)] for t in range(T)]
    np.testing.assert_array_equal(
        is_wrong(jnp.asarray(outputs), batch), np.array(expected) != batch.targets
    )


def logistic(outputs: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-outputs.astype(np.float64)))


def test_of_class_is_the_softmax_against_one_and_zeros(weights: np.ndarray) -> None:
    outputs, batch = values(int, weights)
    exponentials = np.exp(outputs.astype(np.float64))
    p = exponentials / exponentials.sum(-1, keepdims=True)
    target = np.eye(O)[np.asarray(batch.targets)]
    steps = of_class(jnp.asarray(outputs), batch.targets, "likelihood")
    np.testing.assert_allclose(steps.loss, -np.log((p * target).sum(-1)), rtol=1e-5)
    np.testing.assert_allclose(steps.error, np.abs(p - target).max(-1), rtol=1e-5)
    steps = of_class(jnp.asarray(outputs), batch.targets, "squares")
    off = logistic(outputs) - target
    np.testing.assert_allclose(steps.loss, (off**2).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(steps.error, np.abs(off).max(-1), rtol=1e-5)


def test_of_logistic_is_the_logistic_function_against_each_target() -> None:
    rng = np.random.default_rng(3)
    outputs = rng.normal(size=(T, B, O)).astype(np.float32)
    targets = rng.uniform(size=(T, B, O)).astype(np.float32)
    p = logistic(outputs)
    costs = {
        "likelihood": -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(-1),
        "squares": ((p - targets) ** 2).sum(-1),
    }
    for loss, cost in costs.items():
        steps = of_logistic(jnp.asarray(outputs), jnp.asarray(targets), loss)
        np.testing.assert_allclose(steps.loss, cost, rtol=1e-5)
        np.testing.assert_allclose(steps.error, np.abs(p - targets).max(-1), rtol=1e-5)


@pytest.mark.parametrize("loss", ["likelihood", "squares"])
def test_huge_outputs_cost_something_finite(loss: str) -> None:
    outputs = jnp.array([[[-1e30, 1e30]]])
    for steps in (
        of_class(outputs, jnp.zeros((1, 1), jnp.int32), loss),
        of_logistic(outputs, jnp.array([[[1.0, 0.0]]]), loss),
    ):
        assert np.isfinite(steps.loss).all()
        np.testing.assert_array_equal(steps.error, [[1.0]])


def test_largest_takes_the_worst_step_that_counts(weights: np.ndarray) -> None:
    batch = Batch(jnp.zeros((T, B)), jnp.zeros((T, B)), jnp.asarray(weights), None)
    rng = np.random.default_rng(4)
    loss, error = rng.uniform(0, 0.2, (2, T, B)).astype(np.float32)
    error[3, 0], error[0, 1], error[4, 2], error[2, 3] = 0.25, 0.9, 0.9, 0.2499
    steps = Steps(jnp.asarray(loss), jnp.asarray(error))
    scores = largest(steps, batch, 0.25, "likelihood")
    worst = [max([error[t, b] for t in range(T) if weights[t, b]], default=0) for b in range(B)]
    np.testing.assert_array_equal(scores.error, worst)
    np.testing.assert_allclose(scores.loss, by_hand(loss, weights), rtol=1e-5)
    assert scores.correct.tolist() == [False, True, True, True]
    summed = largest(steps, batch, 0.25, "squares")
    np.testing.assert_allclose(summed.loss, (loss * weights).sum(axis=0), rtol=1e-5)


def test_share_wrong_counts_steps_by_their_weights(weights: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    loss, wrong = rng.uniform(size=(T, B)).astype(np.float32), rng.uniform(size=(T, B)) < 0.4
    wrong[:, 3] = False
    scores = share_wrong(jnp.asarray(loss), jnp.asarray(wrong), jnp.asarray(weights))
    np.testing.assert_allclose(scores.error, by_hand(wrong.astype(float), weights), rtol=1e-5)
    np.testing.assert_allclose(scores.loss, by_hand(loss, weights), rtol=1e-5)
    assert scores.correct.tolist() == [not (wrong & (weights > 0))[:, b].any() for b in range(B)]
    summed = share_wrong(jnp.asarray(loss), jnp.asarray(wrong), jnp.asarray(weights), "squares")
    np.testing.assert_allclose(summed.loss, (loss * weights).sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("loss", ["likelihood", "squares"])
def test_what_is_no_number_is_not_correct(loss: str) -> None:
    outputs, weights = jnp.full((37, 64, 7), jnp.nan), jnp.ones((37, 64))
    batch = Batch(weights, jnp.zeros((37, 64), jnp.int32), weights, None)
    for steps in (
        of_class(outputs, batch.targets, loss),
        of_logistic(outputs, jnp.zeros((37, 64, 7)), loss),
    ):
        assert not largest(steps, batch, 0.5, "likelihood").correct.any()
        assert not share_wrong(steps.loss, ~(steps.error < 0.5), weights).correct.any()
