"""Where regularisers draw from: the same numbers whatever runs the sequence, in any pieces.

A number is a function of (key, row, step, unit): of the sequence's place in the whole batch and
the step's place in the whole sequence. So masks depend neither on the executor nor on how the
batch is spread over devices, nor on where a long sequence is cut. To draw nothing, as at
evaluation, is to have no `Noise`.
"""

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped


class Purpose(enum.IntEnum):
    """What the randomness of one layer is for; each has a source of its own."""

    STEPS = 0
    WEIGHTS = 1
    FEEDBACK = 2
    OUTPUTS = 3
    WITHIN = 4
    """What a regulariser leaves to the cell within, which may be of its own kind."""


class Noise(NamedTuple):
    """Randomness for a batch of sequences.

    Args:
        key: one key; a training loop folds its step into it.
        rows: (B,) the place of each sequence in the whole batch; left out, 0 .. B-1.
        first_step: the steps of each sequence that came before these, where it comes in pieces.
    """

    key: PRNGKeyArray
    rows: Int[Array, " B"] | None = None
    first_step: int | Int[Array, ""] = 0

    def fold(self, number: int) -> "Noise":
        """An independent source, for a layer or a purpose of its own."""
        return self._replace(key=jax.random.fold_in(self.key, number))

    def of_rows(self, batch_size: int) -> Shaped[PRNGKeyArray, " B"]:
        """A key for each sequence."""
        rows = jnp.arange(batch_size) if self.rows is None else self.rows
        return jax.vmap(jax.random.fold_in, (None, 0))(self.key, rows)

    def of_steps(self, steps: int, batch_size: int) -> Shaped[PRNGKeyArray, "T B"]:
        """A key for each step of each sequence."""
        numbers = self.first_step + jnp.arange(steps)
        by_step = jax.vmap(jax.random.fold_in, (None, 0))
        return jax.vmap(by_step, (0, None), out_axes=1)(self.of_rows(batch_size), numbers)


class Keyed(NamedTuple):
    """The input of a step that draws, and the key to draw from; any leading axes."""

    x: Float[Array, "*T B I"]
    key: Shaped[PRNGKeyArray, "*T B"]


def drawn(
    keys: Shaped[PRNGKeyArray, "*B"], probability: float, width: int
) -> Bool[Array, "*B {width}"]:
    """True with a probability: `width` draws from each key."""

    def draw(key: PRNGKeyArray) -> Array:
        return jax.random.bernoulli(key, probability, (width,))

    return jax.vmap(draw)(keys.reshape(-1)).reshape(*keys.shape, width)


def dropped(
    values: Float[Array, "T B F"], rate: float, noise: Noise | None
) -> Float[Array, "T B F"]:
    """Dropout: each value zero with probability `rate`, the others scaled up to keep the mean."""
    if noise is None or rate == 0.0:
        return values
    steps, batch, features = values.shape
    kept = drawn(noise.of_steps(steps, batch), 1.0 - rate, features)
    return jnp.where(kept, values / (1.0 - rate), 0.0)
