"""Multiplication: remember two marked numbers of a long sequence, and give their product.

Marks, markers and lengths are those of the adding problem of 1997; values are U[0, 1], and X1 is 1
where the first pair is marked, so that the product is that of the other one alone.

Source: Hochreiter & Schmidhuber 1997, experiment 5.
"""

import dataclasses
import math
from typing import Annotated

import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import MAX
from lstm_jax.tasks.adding import TOLERANCE, marked_pairs, probability_of_the_first
from lstm_jax.tasks.base import Batch, Scores, Window
from lstm_jax.tasks.lengths import UnevenTask
from lstm_jax.tasks.scores import Output, regression


@dataclasses.dataclass(frozen=True)
class Multiplication(UnevenTask):
    """Remember two marked numbers and give their product at the end.

    Args:
        length: T, the shortest length in steps.
        wrong: solved when fewer than this many of the last 2000 sequences are wrong; the paper
            stops at 140 and at 13.
        output: linear, or logistic as in the paper.

    A sequence is correct if the prediction at its last step is within 0.04.

    >>> from jax.random import key
    >>> Multiplication(length=100).sample(key(0), 5).inputs.shape
    (110, 5, 2)
    """

    length: Annotated[int, Ge(20), Le(MAX)] = 100
    wrong: Annotated[int, Ge(1), Le(2000)] = 140
    output: Output = "linear"

    error_name = "mean absolute error"
    input_size, output_size = 2, 1

    @property
    def chance(self) -> float:
        """The mean absolute error of always predicting the median."""
        ones = probability_of_the_first(self.length)
        low, high = 0.0, 1.0
        median = 0.5
        for _ in range(60):  # half of the products are below it
            below = (1 - ones) * (median - median * math.log(median)) + ones * median
            low, high = (median, high) if below < 0.5 else (low, median)
            median = (low + high) / 2
        mean = (1 - ones) / 4 + ones / 2
        area = 0.75 * median**2 - 0.5 * median**2 * math.log(median)
        return mean - median + 2 * ((1 - ones) * area + ones * median**2 / 2)

    @property
    def chance_loss(self) -> float:
        """The mean squared error of always predicting the mean."""
        ones = probability_of_the_first(self.length)
        return (1 - ones) / 9 + ones / 3 - ((1 - ones) / 4 + ones / 2) ** 2

    @property
    def criterion(self) -> Window:
        return Window(sequences=2000, max_wrong=self.wrong - 1)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        values, markers, (first, second), length = marked_pairs(key, self.length, 0.0, 1.0)
        time = jnp.arange(self.max_length)
        inputs = jnp.stack([values, markers], axis=-1)
        return Batch(
            inputs=jnp.where((time < length)[:, None], inputs, 0.0),
            targets=jnp.full((self.max_length, 1), first * second),
            weights=(time == length - 1).astype(jnp.float32),
            lengths=length,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return regression(outputs, batch, TOLERANCE, self.output)
