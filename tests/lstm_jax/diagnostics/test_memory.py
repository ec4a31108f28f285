"""What a readout finds in delay lines of a known length, and a ridge regression in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import Elman
from lstm_jax.cells import ElmanParams
from lstm_jax.diagnostics import memory_curve, recall
from tests.lstm_jax.diagnostics.looked_at import MODEL, of_model

LINE = 5


def delay_line() -> tuple[Elman, ElmanParams]:
    """Units that hand a positive input on from one to the next."""
    enter, shift = jnp.zeros((1, LINE)).at[0, 0].set(1.0), jnp.eye(LINE, k=1)
    return Elman(LINE, activation="relu"), ElmanParams(enter, shift, jnp.zeros(LINE))


def test_a_delay_line_recalls_what_is_in_it() -> None:
    cell, params = delay_line()
    xs = jax.random.uniform(jax.random.key(0), (60, 40, 1))
    lengths = jnp.full(40, 60).at[:20].set(30)
    (found,) = memory_curve(cell, params, xs, range(8), lengths)
    assert np.asarray(found[:LINE]).min() > 0.999
    assert np.abs(np.asarray(found[LINE:])).max() < 0.05


def ridge(states, signal, lag, lengths, noise):
    """R^2 by a loop over sequences, in float64."""

    def gather(rows):
        pairs = [(states[t, b], signal[t - lag, b]) for b in rows for t in range(lag, lengths[b])]
        return map(np.float64, zip(*pairs, strict=True))

    x, y = gather(range(0, states.shape[1], 2))
    mean, scale, level = x.mean(0), x.std(0), y.mean(0)
    x = (x - mean) / scale
    weights = np.linalg.solve(x.T @ x + len(x) * noise * np.eye(x.shape[1]), x.T @ (y - level))
    x, y = gather(range(1, states.shape[1], 2))
    missed = y - ((x - mean) / scale @ weights + level)
    return 1 - (missed**2).sum() / ((y - y.mean(0)) ** 2).sum()


@pytest.mark.parametrize("noise", [1e-4, 0.3])
def test_of_random_states_as_in_numpy(noise: float) -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(25, 6, 2)).astype("float32")
    mixing = rng.normal(size=(3, 2, 4))
    past = [np.concatenate([np.zeros((k, 6, 2)), signal[: 25 - k]]) for k in range(3)]
    states = sum(p @ m for p, m in zip(past, mixing, strict=True)) + 0.1 * rng.normal(
        size=(25, 6, 4)
    )
    states = states.astype("float32") * np.float32([1, 10, 0.1, 1]) + np.float32(3)
    lengths = np.array([25, 25, 0, 13, 20, 9])
    found = recall(jnp.asarray(states), jnp.asarray(signal), [0, 1, 2, 7], lengths, noise=noise)
    expected = [ridge(states, signal, lag, lengths, noise) for lag in (0, 1, 2, 7)]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_unit_that_never_moves_tells_nothing() -> None:
    signal = jax.random.normal(jax.random.key(0), (20, 4, 1))
    states = jnp.concatenate([signal, jnp.full_like(signal, 2.0)], axis=-1)
    assert recall(states, signal, [0])[0] > 0.999
    assert np.isnan(recall(states, jnp.ones_like(signal), [0])[0])


def test_every_cell_of_a_model_with_a_signal_of_ones_own() -> None:
    params, xs, _ = of_model(MODEL)
    found = memory_curve(MODEL, params, xs, [0, 1], signal=xs[..., :1])
    assert [curve.shape for curve in found] == [(2,)] * 3
    whole = memory_curve(MODEL, params, xs, [0, 1])
    assert not np.allclose(found[0], whole[0])


@pytest.mark.parametrize(
    "batch, steps, lags, options, complaint",
    [
        (4, 9, [9], {}, r"lags must be in 0\.\.8, below the steps, got 9"),
        (4, 9, [-1], {}, "got -1"),
        (1, 9, [0], {}, "needs two sequences, one to fit and one to score, got 1"),
        (4, 8, [0], {}, r"signal must be \(9, 4, D\) as the states, got \(8, 4, 1\)"),
        (4, 9, [0], {"noise": 0.0}, "noise must be above 0"),
    ],
)
def test_what_does_not_fit_is_refused(batch, steps, lags, options, complaint: str) -> None:
    states, signal = jnp.ones((9, batch, 2)), jnp.ones((steps, batch, 1))
    with pytest.raises(ValueError, match=complaint):
        recall(states, signal, lags, **options)
