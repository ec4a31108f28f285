"""Scores against NumPy in float64, with weights that leave steps and whole sequences out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch
from lstm_jax.tasks.scores import cross_entropy, is_wrong, mean_over_time, regression

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
