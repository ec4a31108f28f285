"""Warped time: name the letter before this one, while the clock of the text changes its pace.

    warped    input    a  a  a  c  c  b  b  b  b        a letter is repeated
              answer            a  a  c  c  c  c
    padded    input    a  .  .  c  .  b  .  .  .        a letter is followed by blanks
              answer            a  a  c  c  c  c

Without warping, one step of memory would do. Source: Tallec & Ollivier 2018, Can Recurrent Neural
Networks Warp Time? Their sizes (letters, alphabet, length) could not be confirmed.
"""

import dataclasses
from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong


@dataclasses.dataclass(frozen=True)
class Warping(Written, SampledTask):
    """Name the letter before this one, at a pace that changes.

    Args:
        variant: letters that are repeated, or followed by blanks.
        letters: how many a sequence has.
        longest: the most steps that a letter takes.
        uniform: whether every letter takes that many, instead of any number from 1 on.
        alphabet: the number of different letters.

    Letters are evenly drawn; where they are repeated none follows itself, since nothing would tell
    one from two (whether the paper does so could not be confirmed). A sequence is correct if the
    answers of all steps are. No criterion is known; solved is at most 10 wrong of the last 1000
    sequences.

    >>> from jax.random import key
    >>> task = Warping("padded", letters=4, longest=3)
    >>> batch = task.sample(key(0), 1)
    >>> "".join(task.symbols[s] for s in batch.inputs[: int(batch.lengths[0]), 0])
    'j.j..e.a..'
    """

    variant: Literal["warped", "padded"]
    letters: Annotated[int, Ge(2), Le(MAX)]
    longest: Size
    uniform: bool = False
    alphabet: Annotated[int, Ge(3), Le(26)] = 10

    error_name = "share of steps wrong"
    criterion = Window(sequences=1000, max_wrong=10)

    @property
    def symbols(self) -> str:
        return self.answers + "."

    @property
    def answers(self) -> str:
        return "abcdefghijklmnopqrstuvwxyz"[: self.alphabet]

    @property
    def lag(self) -> int:
        return 2 * self.longest

    @property
    def chance(self) -> float:
        return 1 - 1 / (self.alphabet - (self.variant == "warped"))

    def sequence(self, key: PRNGKeyArray) -> Batch:
        odds = np.full((2, self.letters), self.alphabet)
        odds[0, 1:] -= self.variant == "warped"
        odds[1] = 1 if self.uniform else self.longest
        drawn, steps = integers(key, odds.ravel()).reshape(odds.shape)
        repeats = self.variant == "warped"
        letters = jnp.cumsum(drawn.at[1:].add(1)) % self.alphabet if repeats else drawn
        ends = jnp.cumsum(self.longest - steps)
        time = jnp.arange(self.letters * self.longest)
        begins = jnp.zeros(time.size, jnp.int32).at[ends[:-1]].set(1)
        which = jnp.minimum(jnp.cumsum(begins), self.letters - 1)
        inside = time < ends[-1]
        shown = inside if repeats else inside & ((begins == 1) | (time == 0))
        return Batch(
            inputs=jnp.where(shown, letters[which], jnp.where(inside, self.alphabet, 0)),
            targets=jnp.where(inside & (which > 0), letters[which - 1], 0),
            weights=(inside & (which > 0)).astype(jnp.float32),
            lengths=ends[-1],
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)
