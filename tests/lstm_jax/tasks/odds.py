"""What the tests of samplers share: drawing, grading, and whether what was counted is of the odds
that are stated.
"""

from collections.abc import Mapping
from typing import Any

import jax

from lstm_jax.tasks import Batch, Scores, Task

SIGNIFICANCE = 1e-4
"""How rarely a sound sampler may fail a test of its distribution; the seeds are fixed."""


def assert_distributed(counts: Mapping[Any, int], odds: Mapping[Any, float]) -> None:
    """Pearson's chi-square test: what was counted may well be of these odds, and of no others."""
    assert set(counts) <= set(odds)
    total = sum(counts.values())
    assert min(odds.values()) * total >= 5  # the test's own condition
    statistic = sum((counts.get(k, 0) - total * p) ** 2 / (total * p) for k, p in odds.items())
    assert len(odds) == 1 or jax.scipy.stats.chi2.sf(statistic, len(odds) - 1.0) > SIGNIFICANCE


def even(outcomes: Any) -> dict[Any, float]:
    """The same odds for all outcomes."""
    outcomes = list(outcomes)
    return dict.fromkeys(outcomes, 1 / len(outcomes))


def draw(task: Task, count: int, seed: int = 0) -> Batch:
    """Sequences of a task, from a compiled sampler."""
    return jax.jit(task.sample, static_argnums=1)(jax.random.key(seed), count)


def grade(task: Task, outputs: jax.Array, batch: Batch) -> Scores:
    """Scores of a batch, compiled: operation by operation each would be compiled alone."""
    return jax.jit(task.score)(outputs, batch)
