"""Copying memory: hold ten symbols across a blank gap, then repeat them.

    input    s1 ... s10  T-1 blanks  delimiter  10 blanks
    target   T+10 blanks                        s1 ... s10

Source: Arjovsky, Shah & Bengio 2016. The symbols are drawn from 8 and the length is T + 20;
without memory the best loss is 10 ln 8 / (T + 20) nats.
"""

import dataclasses
import math
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, mean_over_time

SYMBOLS = 8
COPIED = 10
BLANK = 0
DELIMITER = SYMBOLS + 1


@dataclasses.dataclass(frozen=True)
class Copying(SampledTask):
    """Hold ten symbols across a blank gap, then repeat them.

    Args:
        variant: whose protocol.
        gap: T, the steps between the last symbol and the delimiter, plus one.

    A sequence is correct if all ten repeated symbols are. The paper states no criterion; solved
    is at most 10 wrong of the last 1000 sequences.

    >>> from jax.random import key
    >>> batch = Copying("arjovsky2016", gap=5).sample(key(0), 1)
    >>> [int(s) for s in batch.inputs[10:, 0]]
    [0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> bool((batch.targets[-10:] == batch.inputs[:10]).all())
    True
    """

    variant: Literal["arjovsky2016"]
    gap: Size

    tokens = True
    error_name = "share of repeated symbols wrong"

    @property
    def input_size(self) -> int:
        return SYMBOLS + 2

    @property
    def output_size(self) -> int:
        return SYMBOLS + 1

    @property
    def max_length(self) -> int:
        """The length of every sequence, in steps."""
        return self.gap + 2 * COPIED

    @property
    def lag(self) -> int:
        return self.gap + COPIED

    @property
    def chance(self) -> float:
        return 1 - 1 / SYMBOLS

    @property
    def chance_loss(self) -> float:
        """The cross-entropy of guessing the repeated symbols, in nats per step."""
        return COPIED * math.log(SYMBOLS) / self.max_length

    @property
    def criterion(self) -> Window:
        return Window(sequences=1000, max_wrong=10, max_error=0.01)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        symbols = 1 + integers(key, [SYMBOLS] * COPIED)
        blanks = jnp.full(self.max_length, BLANK)
        inputs = blanks.at[:COPIED].set(symbols).at[self.max_length - COPIED - 1].set(DELIMITER)
        targets = blanks.at[-COPIED:].set(symbols)
        return Batch(inputs, targets, jnp.ones(self.max_length), None)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        wrong = is_wrong(outputs, batch)[-COPIED:]
        return Scores(
            loss=mean_over_time(cross_entropy(outputs, batch), batch.weights),
            error=wrong.mean(axis=0),
            correct=~wrong.any(axis=0),
        )
