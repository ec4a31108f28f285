"""Timing: spikes and what is asked of them, step by step, and the functions of a period."""

import collections
import math

import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, PeriodicFunction, SpikeDelays, TimedSpikes, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

SEQUENCES = 2000


def drawn(task: SpikeDelays | TimedSpikes) -> Batch:
    batch = draw(task, SEQUENCES, seed=4)
    assert batch.inputs.shape == (task.max_length, SEQUENCES, 1)
    return Batch(*map(np.asarray, batch))


@pytest.mark.parametrize("spread", [1, 4])
def test_delays_are_asked_for_at_every_spike_but_the_first(spread: int) -> None:
    task = SpikeDelays(shortest=5, spread=spread, intervals=3)
    batch, delays = drawn(task), []
    for n in range(SEQUENCES):
        spikes = np.flatnonzero(batch.inputs[:, n, 0])
        assert (spikes[0], len(spikes)) == (0, 4)
        assert batch.inputs[spikes, n, 0].tolist() == [1] * 4
        assert batch.lengths[n] == spikes[-1] + 1
        assert np.flatnonzero(batch.weights[:, n]).tolist() == spikes[1:].tolist()
        longer = np.diff(spikes) - 5
        np.testing.assert_allclose(batch.targets[spikes[1:], n, 0], longer / spread, rtol=1e-6)
        delays.append(tuple(longer.tolist()))
    assert_distributed(
        collections.Counter(delays),
        even(
            (a, b, c)
            for a in range(spread + 1)
            for b in range(spread + 1)
            for c in range(spread + 1)
        ),
    )
    targets = np.array(delays) / spread
    assert task.chance == pytest.approx(np.abs(targets - 0.5).mean(), abs=0.02)


@pytest.mark.parametrize("spread", [1, 4])
def test_spikes_are_asked_for_at_the_ends_of_intervals(spread: int) -> None:
    task = TimedSpikes(shortest=5, spread=spread, intervals=3)
    batch, wrong = drawn(task), 0.0
    for n in range(SEQUENCES):
        ends = np.flatnonzero(batch.targets[:, n, 0])
        assert batch.lengths[n] == ends[-1] + 1
        assert batch.weights[:, n].tolist() == [t <= ends[-1] for t in range(task.max_length)]
        starts = [0, *(ends[:-1] + 1)]
        for start, end in zip(starts, ends, strict=True):
            held = batch.inputs[start : end + 1, n, 0]
            np.testing.assert_allclose(held, (end + 1 - start - 5) / spread, rtol=1e-6)
        wrong += len(ends)
    assert task.chance == pytest.approx(wrong / batch.weights.sum(), rel=0.02)


def test_a_delay_is_correct_if_nearest_to_the_right_one() -> None:
    task = SpikeDelays(shortest=3, spread=4, intervals=2)
    batch = draw(task, 4, seed=3)
    off = jnp.array([0.12, -0.12, 0.13, -0.13])
    p = jnp.clip(
        batch.targets + jnp.where(batch.targets > 0.5, -1, 1) * jnp.abs(off)[:, None], 0, 1
    )
    scores = grade(task, jnp.log(p / (1 - p)), batch)
    assert scores.correct.tolist() == [True, True, False, False]
    np.testing.assert_allclose(scores.error, jnp.abs(off), rtol=1e-4)


def test_every_step_of_timed_spikes_must_be_right() -> None:
    task = TimedSpikes(shortest=3, spread=1, intervals=2)
    batch = draw(task, 3, seed=3)
    p = jnp.abs(batch.targets - 0.48)
    p = jnp.where(batch.weights[..., None] > 0, p.at[1, 1].set(0.50), 0.9)
    scores = grade(task, jnp.log(p / (1 - p)), batch)
    assert scores.correct.tolist() == [True, False, True]
    assert scores.error[1] == pytest.approx(1 / int(batch.lengths[1]))


@pytest.mark.parametrize(
    "shape, expected",
    [
        ("cosine", [0.5 - 0.5 * math.cos(2 * math.pi * t / 8) for t in range(8)]),
        ("triangle", [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25]),
        ("rectangle", [0, 0, 0, 0, 1, 1, 1, 1]),
    ],
)
def test_functions_have_a_period(shape: str, expected: list[float]) -> None:
    task = PeriodicFunction(shape, period=8, periods=3)
    batch = draw(task, 2)
    assert not batch.inputs.any()
    assert (batch.weights == 1).all()
    for row in batch.targets[..., 0].T:
        np.testing.assert_allclose(row, expected * 3, atol=1e-6)
    errors = [np.abs(np.array(expected) - c).mean() for c in np.linspace(0, 1, 101)]
    assert task.chance == pytest.approx(min(errors), abs=1e-6)
    off = jnp.zeros(batch.targets.shape).at[5, 1].set(0.11) - 0.09
    scores = grade(task, batch.targets + jnp.abs(off), batch)
    assert scores.correct.all()
    scores = grade(task, batch.targets + off.at[5, 1].set(0.11), batch)
    assert scores.correct.tolist() == [True, False]


def test_solved_by_a_thousand_in_a_row() -> None:
    for task in (SpikeDelays(), TimedSpikes(), PeriodicFunction("cosine")):
        assert task.criterion == Window(sequences=1000, max_wrong=0)
    assert SpikeDelays().max_length == TimedSpikes().max_length + 1 == 511
    assert SpikeDelays().lag == 51
