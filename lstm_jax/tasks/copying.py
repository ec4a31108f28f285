"""Copying memory: hold symbols across a blank gap, then repeat them.

    input    s1 ... s10  T-1 blanks  delimiter  10 blanks
    target   T+10 blanks                        s1 ... s10

    arjovsky2016    T is the same in all sequences (Arjovsky, Shah & Bengio 2016)
    tallec2018      variable copying: T is drawn from 1 up to the gap (Tallec & Ollivier 2018)

The papers copy ten symbols out of 8: the length is T + 20, and without memory the best loss is
10 ln 8 / (T + 20) nats.
"""

import dataclasses
import math
import statistics
from typing import Annotated, Literal

import jax.numpy as jnp
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, mean_over_time

BLANK = 0


@dataclasses.dataclass(frozen=True)
class Copying(Written, SampledTask):
    """Hold symbols across a blank gap, then repeat them.

    Args:
        variant: whose protocol; see the head of this file.
        gap: T, the steps between the last symbol and the delimiter, plus one; the most of them
            where T is drawn.
        copied: how many symbols are held.
        alphabet: how many tokens there are, blank and delimiter included.
        answer_weight: how much each repeated symbol counts in training, a blank being 1; 1 in the
            papers.

    A sequence is correct if all repeated symbols are. The papers state no criterion; solved
    is at most 10 wrong of the last 1000 sequences.

    >>> from jax.random import key
    >>> batch = Copying("arjovsky2016", gap=5).sample(key(0), 1)
    >>> [int(s) for s in batch.inputs[10:, 0]]
    [0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> bool((batch.targets[-10:] == batch.inputs[:10]).all())
    True
    """

    variant: Literal["arjovsky2016", "tallec2018"]
    gap: Size
    copied: Size = 10
    alphabet: Annotated[int, Ge(4), Le(MAX)] = 10
    answer_weight: Annotated[float, Gt(0.0)] = 1.0

    error_name = "share of repeated symbols wrong"

    @property
    def symbols(self) -> list[str]:
        return ["_", *map(str, range(1, self.alphabet - 1)), "?"]

    @property
    def answers(self) -> list[str]:
        return self.symbols[:-1]

    @property
    def max_length(self) -> int:
        """The length of the longest sequence, in steps."""
        return self.gap + 2 * self.copied

    @property
    def lag(self) -> int:
        return self.gap + self.copied

    @property
    def chance(self) -> float:
        return 1 - 1 / (self.alphabet - 2)

    @property
    def chance_loss(self) -> float:
        """The cross-entropy of guessing the repeated symbols, in nats per step, as weighted."""
        gaps = [self.gap] if self.variant == "arjovsky2016" else range(1, self.gap + 1)
        answers = self.copied * self.answer_weight
        share = statistics.fmean(answers / (gap + self.copied + answers) for gap in gaps)
        return share * math.log(self.alphabet - 2)

    @property
    def criterion(self) -> Window:
        return Window(sequences=1000, max_wrong=10, max_error=0.01)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        below = [self.alphabet - 2] * self.copied
        if self.variant == "arjovsky2016":
            return self._sequence(integers(key, below), self.max_length)
        *symbols, gap = integers(key, [*below, self.gap])
        return self._sequence(jnp.stack(symbols), 1 + gap + 2 * self.copied)

    def _sequence(self, drawn: Int[Array, " N"], length: int | Int[Array, ""]) -> Batch:
        copied, delimiter = self.copied, self.alphabet - 1
        symbols, blanks = 1 + drawn, jnp.full(self.max_length, BLANK)
        inputs = blanks.at[:copied].set(symbols).at[length - copied - 1].set(delimiter)
        targets = blanks.at[length - copied + jnp.arange(copied)].set(symbols)
        weights = jnp.where(targets == BLANK, 1.0, self.answer_weight)
        if isinstance(length, int):
            return Batch(inputs, targets, weights, None)
        inside = jnp.arange(self.max_length) < length
        return Batch(inputs, targets, jnp.where(inside, weights, 0.0), length)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        wrong = is_wrong(outputs, batch) & (batch.targets != BLANK)
        return Scores(
            loss=mean_over_time(cross_entropy(outputs, batch), batch.weights),
            error=wrong.sum(axis=0) / self.copied,
            correct=~wrong.any(axis=0),
        )
