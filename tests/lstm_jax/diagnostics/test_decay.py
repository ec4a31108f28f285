"""The fitted rate of known signals, and the word for them."""

import numpy as np
import pytest

from lstm_jax.diagnostics import decay
from lstm_jax.diagnostics.decay import FACTOR

LAGS = np.arange(101)


@pytest.mark.parametrize(
    "rate, verdict",
    [
        (0.5, "vanishing"),
        (FACTOR ** (-1.01 / 100), "vanishing"),
        (FACTOR ** (-0.99 / 100), "steady"),
        (1.0, "steady"),
        (FACTOR ** (0.99 / 100), "steady"),
        (FACTOR ** (1.01 / 100), "exploding"),
        (1.3, "exploding"),
    ],
)
def test_of_a_geometric_signal(rate: float, verdict: str) -> None:
    noise = np.exp(np.random.default_rng(0).normal(scale=1e-4, size=101))
    found = decay(3.0 * rate**LAGS * noise)
    assert found.verdict == verdict
    np.testing.assert_allclose(found.rate, rate, rtol=1e-5)
    if rate != 1.0:
        np.testing.assert_allclose(found.e_folding, abs(1 / np.log(rate)), rtol=1e-2)
        np.testing.assert_allclose(found.change, rate**100.0, rtol=1e-2)


def test_the_change_is_the_measured_one() -> None:
    """A signal that falls at once and then stays is fitted as steady, and is not."""
    signal = np.full(101, 1e-3)
    signal[0] = 1.0
    found = decay(signal)
    assert (found.change, found.verdict) == (1e-3, "vanishing")
    assert found.rate > 0.99


def test_zeros_and_lags_that_nobody_reaches_are_left_out() -> None:
    signal = 0.99**LAGS
    signal[0] = 0.0  # as of a cell state that the loss does not see
    signal[80:] = np.nan
    found = decay(signal)
    assert found.verdict == "steady"
    np.testing.assert_allclose(found.rate, 0.99)
    np.testing.assert_allclose(found.change, 0.99**78)


def test_what_has_underflowed_has_vanished() -> None:
    found = decay(np.float32(0.1) ** np.float32(LAGS))
    assert (found.change, found.verdict) == (0.0, "vanishing")


def test_what_is_zero_from_one_lag_to_the_next_is_dead() -> None:
    signal = 0.99**LAGS
    signal[50:] = 0.0
    assert decay(signal).verdict == "dead"
    assert decay(np.array([1.0, 0.0, 0.0]))[:4] == (0.0, 0.0, 0.0, "dead")


def test_what_has_overflowed_has_exploded() -> None:
    signal = 1.01**LAGS
    signal[50:] = np.inf
    found = decay(signal)
    assert (found.change, found.verdict) == (np.inf, "exploding")
    np.testing.assert_allclose(found.rate, 1.01)
    assert decay(np.array([np.inf, np.inf])).verdict == "exploding"
    assert decay(np.array([1.0, np.inf])).verdict == "exploding"


def test_one_lag_is_steady_and_none_is_no_signal() -> None:
    assert decay(np.array([2.0]))[:] == (1.0, np.inf, 1.0, "steady")
    assert decay(np.zeros(5)).verdict == "no signal"


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \(T,\).*\(2, 3\)"):
        decay(np.ones((2, 3)))
    with pytest.raises(ValueError, match="that a sequence reaches, got 4 NaN"):
        decay(np.full(4, np.nan))
