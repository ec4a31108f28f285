"""Adding: remember two marked numbers of a long sequence, and give their sum at the end.

Every step shows a value and a marker; two steps are marked. The published variants share a
name and are not interchangeable:

    hochreiter1997  values U[-1, 1], lengths U[T, 1.1 T], the first and last markers -1, one mark
                    in the first 10 steps and one in the first T/2; target 0.5 + (X1 + X2) / 4
                    (Hochreiter & Schmidhuber 1997, experiment 4)
    arjovsky2016    values U[0, 1], length T, one mark in each half; target X1 + X2
                    (Arjovsky, Shah & Bengio 2016)
    bai2018         values U[0, 1], length T, two marks anywhere; target X1 + X2
                    (Bai, Kolter & Koltun 2018)
"""

import dataclasses
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.lengths import longest
from lstm_jax.tasks.scores import Output, regression

TOLERANCE = 0.04


@dataclasses.dataclass(frozen=True)
class Adding(SampledTask):
    """Remember two marked numbers and give their sum at the end.

    Args:
        variant: whose protocol; see the head of this file.
        length: T, the shortest length in steps.
        output: linear, or logistic as in the paper of 1997.

    A sequence is correct if the prediction at its last step is within 0.04. Solved by the
    criterion of 1997: the mean error below 0.01 over the last 2000 sequences, all of them
    correct; the later papers state none, and share it.

    >>> batch = Adding("hochreiter1997", length=100).sample(jax.random.key(0), 5)
    >>> batch.inputs.shape, batch.lengths.min() >= 100, batch.lengths.max() <= 110
    ((110, 5, 2), Array(True, dtype=bool), Array(True, dtype=bool))
    """

    variant: Literal["hochreiter1997", "arjovsky2016", "bai2018"]
    length: Annotated[int, Ge(20)]
    output: Output = "linear"

    error_name = "mean absolute error"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output == "logistic" and self.variant != "hochreiter1997":
            raise ValueError(
                f"output='logistic' is at most 1, but the sums of {self.variant!r} are up to 2"
            )

    @property
    def input_size(self) -> int:
        return 2

    @property
    def output_size(self) -> int:
        return 1

    @property
    def lag(self) -> int:
        return self.max_length

    @property
    def max_length(self) -> int:
        """The longest sequence, in steps."""
        return longest(self.length) if self.variant == "hochreiter1997" else self.length

    @property
    def chance(self) -> float:
        if self.variant != "hochreiter1997":
            return 1 / 3
        zeroed = probability_of_the_first(self.length)
        return (1 - zeroed) / 6 + zeroed / 8

    @property
    def chance_loss(self) -> float:
        """The mean squared error of always predicting the mean."""
        if self.variant != "hochreiter1997":
            return 1 / 6
        return (2 - probability_of_the_first(self.length)) / 48

    @property
    def criterion(self) -> Window:
        return Window(sequences=2000, max_wrong=0, max_error=0.01)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        draw = {
            "hochreiter1997": self._hochreiter1997,
            "arjovsky2016": self._arjovsky2016,
            "bai2018": self._bai2018,
        }[self.variant]
        values, markers, target, length = draw(key)
        time = jnp.arange(self.max_length)
        inside = time < length
        return Batch(
            inputs=jnp.where(inside[:, None], jnp.stack([values, markers], axis=-1), 0.0),
            targets=jnp.full((self.max_length, 1), target),
            weights=(time == length - 1).astype(jnp.float32),
            lengths=length,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return regression(outputs, batch, TOLERANCE, self.output)

    def _hochreiter1997(self, key: PRNGKeyArray) -> tuple[Array, Array, Array, Array]:
        values, markers, (first, second), length = marked_pairs(key, self.length, -1.0, 0.0)
        return values, markers, 0.5 + first / 4 + second / 4, length

    def _arjovsky2016(self, key: PRNGKeyArray) -> tuple[Array, Array, Array, Array]:
        key_values, key_places = jax.random.split(key)
        half = self.length // 2
        first, second = integers(key_places, [half, self.length - half])
        return self._sum_of_two(key_values, first, half + second)

    def _bai2018(self, key: PRNGKeyArray) -> tuple[Array, Array, Array, Array]:
        key_values, key_places = jax.random.split(key)
        first, second = integers(key_places, [self.length, self.length - 1])
        second = second + (second >= first).astype(jnp.int32)
        return self._sum_of_two(key_values, first, second)

    def _sum_of_two(
        self, key: PRNGKeyArray, first: Int[Array, ""], second: Int[Array, ""]
    ) -> tuple[Array, Array, Array, Array]:
        time = jnp.arange(self.length)
        values = jax.random.uniform(key, time.shape)
        markers = ((time == first) | (time == second)).astype(jnp.float32)
        return values, markers, values[first] + values[second], jnp.int32(self.length)


def marked_pairs(
    key: PRNGKeyArray, length: int, low: float, of_first: float
) -> tuple[Float[Array, " T"], Float[Array, " T"], tuple[Array, Array], Int[Array, ""]]:
    """Values U[low, 1], markers, the two values that are marked and the length, as in 1997.

    `of_first` is the value of the first pair where it is marked, as its marker does not show it.
    """
    key_values, key_places = jax.random.split(key)
    steps = longest(length)
    first, second, extra = integers(key_places, [10, length // 2 - 1, steps - length + 1])
    second += (second >= first).astype(jnp.int32)  # counted over the pairs still unmarked
    end, time = length + extra, jnp.arange(steps)
    marked = (time == first) | (time == second)
    values = jax.random.uniform(key_values, time.shape, minval=low, maxval=1.0)
    values = jnp.where(marked & (time == 0), of_first, values)
    markers = jnp.where((time == 0) | (time == end - 1), -1.0, marked.astype(jnp.float32))
    return values, markers, (values[first], values[second]), end


def probability_of_the_first(length: int) -> float:
    """How often the first of the pairs of 1997 is marked."""
    return 1 / 10 + 9 / 10 / (length // 2 - 1)
