"""When is a task solved: the record of a seed's latest sequences, held to a criterion.

The record is a ring of one entry per training step, so that its size is the criterion's window
and not the length of the run. Each sequence is scored before the step learns from it.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lstm_jax.tasks import HeldOut, Scores, Window


class SolveRecord(NamedTuple):
    """The latest steps of a seed, and when it solved its task."""

    wrong: Int[Array, " W"]
    """Sequences processed wrongly, by step."""
    error: Float[Array, " W"]
    """Mean error, by step."""
    solved_at: Int[Array, ""]
    """Training sequences seen when the criterion was first met; -1 before."""


def empty_record(criterion: Window | HeldOut, batch_size: int) -> SolveRecord:
    """The record before the first step. A window that the batch does not divide is rounded up."""
    steps = -(-criterion.sequences // batch_size) if isinstance(criterion, Window) else 0
    return SolveRecord(
        wrong=jnp.zeros(steps, jnp.int32),
        error=jnp.full(steps, jnp.inf, jnp.float32),
        solved_at=jnp.int32(-1),
    )


def is_solved(record: SolveRecord) -> Bool[Array, ""]:
    """Whether the criterion has been met."""
    return record.solved_at >= 0


def observe(
    criterion: Window | HeldOut, record: SolveRecord, step: Int[Array, ""], scores: Scores
) -> SolveRecord:
    """Enter the scores of a training step, counted from zero.

    A criterion on held-out data is not met here but by `mark`.
    """
    if isinstance(criterion, HeldOut):
        return record
    batch_size = scores.error.shape[0]
    place = step % record.wrong.shape[0]
    wrong = record.wrong.at[place].set((~scores.correct).sum(dtype=jnp.int32))
    error = record.error.at[place].set(scores.error.mean(dtype=jnp.float32))
    met = (wrong.sum() <= criterion.max_wrong) & (error.mean() < criterion.max_error)
    return mark(SolveRecord(wrong, error, record.solved_at), met, (step + 1) * batch_size)


def passes(criterion: HeldOut, scores: Scores, weights: Float[Array, " N"]) -> Bool[Array, ""]:
    """Whether the scores of test sequences, in their order, meet a criterion on them.

    `weights` says how much each sequence counts in the mean error; zero where there is none.
    """
    first = slice(criterion.sequences)
    error, weights = scores.error[first], weights[first]
    met = (error * weights).sum() / weights.sum() <= criterion.max_error
    if criterion.max_wrong is None:
        return met
    wrong = (~scores.correct[first] & (weights > 0)).sum()
    return met & (wrong <= criterion.max_wrong)


def mark(record: SolveRecord, met: Bool[Array, ""], sequences: Int[Array, ""]) -> SolveRecord:
    """Note the number of sequences at which the criterion was first met."""
    first = met & ~is_solved(record)
    return record._replace(solved_at=jnp.where(first, sequences, record.solved_at))
