"""Selective copying: pick some symbols out of noise, and repeat them in their order at the end.

    input    . . 7 . . . 3 . 12 . . .  ?  ?  ?
    answer                             7  3  12

Where the symbols stand is random, so that counting steps does not help: what is noise must be told
from its content. Also known as denoising.

Source: Jing et al. 2019 (denoising); in this form Gu & Dao 2023, with 16 symbols of an alphabet of
16, noise and question mark included, among 4096 steps.
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong


@dataclasses.dataclass(frozen=True)
class SelectiveCopying(Written, SampledTask):
    """Pick some symbols out of noise, and repeat them in their order.

    Args:
        length: steps with noise and symbols.
        copied: how many of them are symbols, and steps that ask for them.
        alphabet: how many tokens there are, noise and question mark included.

    A sequence is correct if all repeated symbols are. The papers state no criterion; solved is at
    most 10 wrong of the last 1000 sequences.

    >>> task = SelectiveCopying(length=12, copied=3)
    >>> [task.symbols[s] for s in task.sample(jax.random.key(0), 1).inputs[:, 0]]
    ['.', '.', '.', '.', '2', '.', '14', '.', '3', '.', '.', '.', '?', '?', '?']
    """

    length: Size = 4096
    copied: Size = 16
    alphabet: Annotated[int, Ge(4), Le(MAX)] = 16

    error_name = "share of repeated symbols wrong"
    criterion = Window(sequences=1000, max_wrong=10, max_error=0.01)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copied > self.length:
            raise ValueError(f"copied={self.copied} must be at most length={self.length}")

    @property
    def symbols(self) -> list[str]:
        return [".", *map(str, range(1, self.alphabet - 1)), "?"]

    @property
    def answers(self) -> list[str]:
        return self.symbols[1:-1]

    @property
    def lag(self) -> int:
        return self.length + self.copied - 1

    @property
    def chance(self) -> float:
        return 1 - 1 / self.output_size

    def sequence(self, key: PRNGKeyArray) -> Batch:
        key_places, key_symbols = jax.random.split(key)
        lots = jax.random.uniform(key_places, (self.length,))
        places = jnp.sort(jax.lax.top_k(lots, self.copied)[1])
        drawn = integers(key_symbols, [self.output_size] * self.copied)
        noise, nothing = jnp.zeros(self.length, jnp.int32), jnp.zeros(self.copied, jnp.int32)
        return Batch(
            inputs=jnp.concatenate([noise.at[places].set(1 + drawn), nothing + self.alphabet - 1]),
            targets=jnp.concatenate([noise, drawn]),
            weights=(jnp.arange(self.length + self.copied) >= self.length).astype(jnp.float32),
            lengths=None,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)
