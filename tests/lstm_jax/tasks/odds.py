"""What the tests of samplers share: drawing, grading, and whether what was counted is of the odds
that are stated.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import chdtrc

from lstm_jax.tasks import Batch, Scores, Task

SIGNIFICANCE = 1e-4
"""How rarely a sound sampler may fail a test of its distribution; the seeds are fixed."""


def assert_distributed(counts: Mapping[Any, int], odds: Mapping[Any, float]) -> None:
    """Pearson's chi-square test: what was counted may well be of these odds, and of no others."""
    assert set(counts) <= set(odds)
    total = sum(counts.values())
    assert min(odds.values()) * total >= 5  # the test's own condition
    statistic = sum((counts.get(k, 0) - total * p) ** 2 / (total * p) for k, p in odds.items())
    assert len(odds) == 1 or chdtrc(len(odds) - 1, statistic) > SIGNIFICANCE


def even(outcomes: Any) -> dict[Any, float]:
    """The same odds for all outcomes."""
    outcomes = list(outcomes)
    return dict.fromkeys(outcomes, 1 / len(outcomes))


def draw(task: Task, count: int, seed: int = 0) -> Batch:
    """Sequences of a task, by the number of a key."""
    return task.sample(jax.random.key(seed), count)


def held_out(task: Task, seed: int = 0) -> Batch:
    """All test sequences of a task, in arrays of NumPy."""
    rows = jnp.arange(task.test_size)
    batch = jax.jit(task.test_batch)(jax.random.key(seed), jnp.int32(0), rows)
    return jax.tree.map(np.asarray, batch)


def grade(task: Task, outputs: jax.Array, batch: Batch) -> Scores:
    """Scores of a batch, compiled: operation by operation each would be compiled alone."""
    return jax.jit(task.score)(outputs, batch)
