"""The gradient of one batch, which devices may share.

A batch is cut into `shares` of equal size. Each share's gradient is computed on its own, wherever
it falls: several shares on a device one after another, or one on each of several. All are then
averaged in one order, so the result depends on the number of shares and not on that of devices,
but for last bits: a device with one share has no loop over shares, and XLA may then join other
operations, and round them together.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from lstm_jax.tasks import Scores


@dataclasses.dataclass(frozen=True)
class Sharing:
    """How a batch is cut, and over what.

    Args:
        batch_size: sequences of the whole batch.
        shares: parts of it, which it is a multiple of.
        axis: name of the mesh axis whose devices share the batch, if any do.
        devices: how many these are, a divisor of `shares`.
    """

    batch_size: int
    shares: int = 1
    axis: str | None = None
    devices: int = 1

    @property
    def rows(self) -> int:
        """The sequences that this device computes."""
        return self.batch_size // self.devices

    def split(self, tree: Any) -> Any:
        """The leaves (rows, ...) of this device as (shares, rows of a share, ...)."""
        count = self.shares // self.devices
        return jax.tree.map(lambda a: a.reshape(count, a.shape[0] // count, *a.shape[1:]), tree)


class Graded(NamedTuple):
    """What a batch teaches."""

    gradient: Any
    """Of the mean loss, shaped as the parameters."""
    carry: Any
    """The model's states of this device's rows after it."""
    scores: Scores
    """Of every sequence of the batch."""


Grade = Callable[[Any, Int[Array, " R"]], Graded]
"""Carried states and row numbers -> what these rows teach."""


def grade_batch(grade: Grade, carry: Any, sharing: Sharing) -> Graded:
    """What the whole batch teaches; leaves of `carry` are (R, ...), R the rows of this device."""
    first = 0 if sharing.axis is None else jax.lax.axis_index(sharing.axis) * sharing.rows
    rows = first + jnp.arange(sharing.rows)
    if sharing.shares == 1:
        return grade(carry, rows)
    shares = jax.lax.map(lambda share: grade(*share), sharing.split((carry, rows)))
    carry = jax.tree.map(_merged, shares.carry)
    gradients, scores = shares.gradient, jax.tree.map(_merged, shares.scores)
    if sharing.axis is not None:
        gather = (gradients, scores)
        gradients, scores = jax.lax.all_gather(gather, sharing.axis, tiled=True)
    gradient = jax.tree.map(lambda g: g.sum(axis=0) / sharing.shares, gradients)
    return Graded(gradient, carry, scores)


def _merged(leaf: Array) -> Array:
    return leaf.reshape(-1, *leaf.shape[2:])
