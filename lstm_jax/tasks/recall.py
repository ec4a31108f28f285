"""Recall: what followed a symbol when it came before?

Associative recall: pairs of a key and its value, and then every key once more, among other tokens.

    input    k3 v7 k1 v2  .  . k1  .  .  . k3  .
    answer                     v2          v7

Induction heads: one special token marks what will be asked for when it comes again.

    input    4  9  !  6  2  2  7  !
    answer                        6
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window, Written
from lstm_jax.tasks.draws import distinct, integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong


@dataclasses.dataclass(frozen=True)
class AssociativeRecall(SampledTask):
    """Give the value that came with a key, for many keys (multi-query associative recall).

    Source: Arora et al. 2023 (Zoology) and the authors' code. Keys are different tokens of the
    lower half of the vocabulary but for 0, values different ones of the upper half. After the pairs
    keys stand at even places, of which those further away are drawn more rarely: the g-th with odds
    in proportion to g**(power - 1), without replacement. All else is any token.

    Args:
        length, pairs: steps of a sequence and its keys; (64, 4), (128, 8), (256, 16) there.
        vocabulary: the number of tokens, for inputs and answers alike.
        power: 0.01 there; 1 spreads the keys evenly.

    A sequence is correct if all values are. No criterion is stated in the paper's text as far as
    could be confirmed; solved is at most 10 wrong of the last 1000 sequences.

    >>> task = AssociativeRecall(length=12, pairs=2, vocabulary=16)
    >>> batch = task.sample(jax.random.key(0), 1)
    >>> [int(token) for token in batch.inputs[:4, 0]]
    [4, 13, 2, 10]
    >>> [(int(key), int(value)) for key, value in zip(batch.inputs[4:, 0], batch.targets[4:, 0])
    ...  if value]
    [(2, 10), (4, 13)]
    """

    length: Size = 64
    pairs: Size = 4
    vocabulary: Annotated[int, Ge(4), Le(MAX)] = 8192
    power: Annotated[float, Gt(0.0)] = 0.01

    tokens = True
    error_name = "share of values wrong"
    criterion = Window(sequences=1000, max_wrong=10, max_error=0.01)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length < 4 * self.pairs:
            raise ValueError(
                f"length={self.length} must be at least {4 * self.pairs}, "
                f"four times pairs={self.pairs}"
            )
        if self.keys < self.pairs:
            raise ValueError(
                f"vocabulary={self.vocabulary} must be at least {2 * self.pairs + 2}, "
                f"for pairs={self.pairs} different keys"
            )

    @property
    def keys(self) -> int:
        """The number of tokens that may be keys."""
        return self.vocabulary // 2 - 1

    @property
    def input_size(self) -> int:
        return self.vocabulary

    @property
    def output_size(self) -> int:
        return self.vocabulary

    @property
    def lag(self) -> int:
        return self.length

    @property
    def chance(self) -> float:
        return 1 - 1 / (self.vocabulary - self.vocabulary // 2)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        key_keys, key_values, key_places, key_rest = jax.random.split(key, 4)
        first_value = self.vocabulary // 2
        keys = 1 + distinct(key_keys, self.keys, self.pairs)
        values = first_value + distinct(key_values, self.vocabulary - first_value, self.pairs)
        context = 2 * self.pairs
        odds = (self.power - 1) * np.log(np.arange(1, (self.length - context) // 2 + 1))
        # the largest of logarithmic odds and Gumbel noise are draws without replacement, in order
        noise = jax.random.gumbel(key_places, odds.shape)
        places = context + 2 * jax.lax.top_k(odds.astype(np.float32) + noise, self.pairs)[1]
        rest = integers(key_rest, np.full(self.length, self.vocabulary))
        return Batch(
            inputs=rest.at[:context:2].set(keys).at[1:context:2].set(values).at[places].set(keys),
            targets=jnp.zeros(self.length, jnp.int32).at[places].set(values),
            weights=jnp.zeros(self.length).at[places].set(1.0),
            lengths=None,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)


@dataclasses.dataclass(frozen=True)
class InductionHeads(Written, SampledTask):
    """Give the token that followed the special one, when that one comes again.

    Source: Olsson et al. 2022; in this form Dao et al. 2022 and Gu & Dao 2023, there with 256 steps
    and 16 tokens. Whether the special one is counted among these could not be confirmed: here it
    is, and the other tokens are evenly drawn.

    Args:
        length: steps of a sequence, whose last one shows the special token again.
        vocabulary: the number of tokens, of which the last is special.

    No criterion is stated; solved is at most 10 wrong of the last 1000 sequences.

    >>> task = InductionHeads(length=8, vocabulary=10)
    >>> batch = task.sample(jax.random.key(0), 1)
    >>> [task.symbols[token] for token in batch.inputs[:, 0]], int(batch.targets[-1, 0])
    (['3', '2', '0', '7', '!', '6', '7', '!'], 6)
    """

    length: Annotated[int, Ge(3), Le(MAX)] = 256
    vocabulary: Annotated[int, Ge(3), Le(MAX)] = 16

    error_name = "share of answers wrong"
    criterion = Window(sequences=1000, max_wrong=10)

    @property
    def symbols(self) -> list[str]:
        return [*map(str, range(self.vocabulary - 1)), "!"]

    @property
    def answers(self) -> list[str]:
        return self.symbols[:-1]

    @property
    def lag(self) -> int:
        return self.length - 1

    @property
    def chance(self) -> float:
        return 1 - 1 / self.output_size

    def sequence(self, key: PRNGKeyArray) -> Batch:
        odds = np.full(self.length + 1, self.output_size)
        odds[-1] = self.length - 2
        drawn = integers(key, odds)
        tokens, place = drawn[:-1], drawn[-1]
        last = jnp.arange(self.length) == self.length - 1
        return Batch(
            inputs=tokens.at[place].set(self.output_size).at[-1].set(self.output_size),
            targets=jnp.where(last, tokens[place + 1], 0),
            weights=last.astype(jnp.float32),
            lengths=None,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)
