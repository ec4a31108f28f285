"""Timing: measure and generate intervals between spikes, and functions of a period.

    spike delays     input   1 0 0 0 1 0 0 0 0 1     how much longer than F is each interval?
                     target          0         1
    timed spikes     input   0 0 0 0 1 1 1 1 1 0     spike F steps on, or later as the input says
                     target  0 0 0 1 0 0 0 0 1 0
    periodic         input   0 0 0 0 0 0 0 0 0 0     a function of a period, from nothing
                     target  0 . ^ . 0 . ^ . 0 .

Source: Gers, Schraudolph & Schmidhuber 2002, whose streams have no end; here a sequence has a few
intervals, or periods, and then the state is reset. Intervals of F steps or one more, F = 50, are
theirs. How they present the input of the timed spikes, scale the delays, judge the periodic
functions and stop could not be confirmed: these details are ours.
"""

import dataclasses
from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import (
    Loss,
    mean_over_time,
    of_logistic,
    over_time,
    regression,
    share_wrong,
)

SOLVED = Window(sequences=1000, max_wrong=0)


@dataclasses.dataclass(frozen=True)
class Spikes(SampledTask):
    """Intervals of F + I steps with I uniform in 0 ... spread.

    Args:
        shortest: F, the shortest interval in steps.
        spread: how much longer intervals may be.
        intervals: how many of them a sequence has.
        loss: what training minimises: the likelihood of a logistic output, or its squared error.
    """

    shortest: Annotated[int, Ge(2), Le(MAX)] = 50
    spread: Size = 1
    intervals: Size = 10
    loss: Loss = "likelihood"

    input_size = output_size = 1
    criterion = SOLVED

    @property
    def max_length(self) -> int:
        """The longest sequence, in steps."""
        return self.intervals * (self.shortest + self.spread)

    @property
    def lag(self) -> int:
        return self.shortest + self.spread

    def _draw(self, key: PRNGKeyArray) -> tuple[Int[Array, " N"], Int[Array, " N"]]:
        """By how much each interval is longer than the shortest, and the steps at their ends."""
        more = integers(key, [self.spread + 1] * self.intervals)
        return more, jnp.cumsum(self.shortest + more)


@dataclasses.dataclass(frozen=True)
class SpikeDelays(Spikes):
    """Measure the intervals between spikes.

    Args:
        shortest, spread, intervals, loss: as for `Spikes`.

    At every spike but the first I / spread is asked for; correct if each logistic output is nearer
    to it than to any other delay, within 0.49 / spread. Solved when the last 1000 sequences are.

    >>> from jax.random import key
    >>> batch = SpikeDelays(shortest=3, intervals=2).sample(key(1), 1)
    >>> batch.inputs[:, 0, 0].astype(int).tolist(), batch.lengths.tolist()
    ([1, 0, 0, 0, 1, 0, 0, 1, 0], [8])
    """

    error_name = "mean absolute error"

    @property
    def max_length(self) -> int:
        return 1 + super().max_length

    @property
    def chance(self) -> float:
        """Of always answering with the median, 1/2."""
        return float(np.abs(np.arange(self.spread + 1) / self.spread - 0.5).mean())

    def sequence(self, key: PRNGKeyArray) -> Batch:
        more, ends = self._draw(key)
        spikes = jnp.zeros(self.max_length).at[ends].set(1.0)
        delays = jnp.zeros(self.max_length).at[ends].set(more.astype(jnp.float32) / self.spread)
        return Batch(spikes.at[0].set(1.0)[:, None], delays[:, None], spikes, 1 + ends[-1])

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        steps = of_logistic(outputs, batch.targets, self.loss)
        wrong = ~(steps.error < 0.49 / self.spread) & (batch.weights > 0)
        return Scores(
            loss=over_time(steps.loss, batch.weights, self.loss),
            error=mean_over_time(steps.error, batch.weights),
            correct=~wrong.any(axis=0),
        )


@dataclasses.dataclass(frozen=True)
class TimedSpikes(Spikes):
    """Generate spikes at the intervals that the input asks for.

    Args:
        shortest, spread, intervals, loss: as for `Spikes`.

    The input holds I / spread throughout an interval, and a spike is asked for at its last step;
    correct if the logistic output is within 0.49 of 1 there and of 0 at all other steps. Solved
    when the last 1000 sequences are.

    >>> from jax.random import key
    >>> batch = TimedSpikes(shortest=3, intervals=2).sample(key(1), 1)
    >>> batch.inputs[:, 0, 0].astype(int).tolist(), batch.targets[:, 0, 0].astype(int).tolist()
    ([1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 1, 0])
    """

    error_name = "share of steps wrong"

    @property
    def chance(self) -> float:
        """Of never spiking, over all steps."""
        return 1 / (self.shortest + self.spread / 2)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        more, ends = self._draw(key)
        time = jnp.arange(self.max_length)
        inside = time < ends[-1]
        interval = jnp.minimum((time[:, None] >= ends).sum(axis=1), self.intervals - 1)
        held = jnp.where(inside, more[interval].astype(jnp.float32) / self.spread, 0.0)
        spikes = jnp.zeros(self.max_length).at[ends - 1].set(1.0)
        return Batch(held[:, None], spikes[:, None], inside.astype(jnp.float32), ends[-1])

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        steps = of_logistic(outputs, batch.targets, self.loss)
        return share_wrong(steps.loss, ~(steps.error < 0.49), batch.weights, self.loss)


@dataclasses.dataclass(frozen=True)
class PeriodicFunction(SampledTask):
    """Generate a periodic function without any input.

    Args:
        shape: a cosine between 0 and 1, a triangle, or a rectangle that is 1 for half a period.
        period: of how many steps.
        periods: how many of them a sequence has.

    All sequences are the same. Correct if the output is within 0.1 of the function at every step.
    Solved when the last 1000 sequences are.

    >>> PeriodicFunction("triangle", period=4, periods=2).values.tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    """

    shape: Literal["cosine", "triangle", "rectangle"]
    period: Annotated[int, Ge(2), Le(MAX)] = 10
    periods: Size = 10

    error_name = "mean absolute error"
    input_size = output_size = 1
    criterion = SOLVED
    test_size = 1

    @property
    def lag(self) -> int:
        return self.period

    @property
    def values(self) -> Float[np.ndarray, " T"]:
        """The function at each step of a sequence."""
        phase = np.arange(self.period) / self.period
        one = {
            "cosine": 0.5 - 0.5 * np.cos(2 * np.pi * phase),
            "triangle": 1 - np.abs(2 * phase - 1),
            "rectangle": (phase >= 0.5).astype(float),
        }[self.shape]
        return np.tile(one, self.periods)

    @property
    def chance(self) -> float:
        """Of always answering with the median."""
        return float(np.abs(self.values - np.median(self.values)).mean())

    def sequence(self, key: PRNGKeyArray) -> Batch:
        targets = jnp.asarray(self.values, jnp.float32)[:, None]
        return Batch(jnp.zeros(targets.shape), targets, jnp.ones(len(targets)), None)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return regression(outputs, batch, tolerance=0.1)
