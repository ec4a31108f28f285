"""Very long time lags: a symbol to be remembered over q random ones and a tail of random length.

    input    b  y  a17 a4 a88 ... a52  a3 a61  e
             |  |   q distractors      tail    |
    answer                                     y

After the distractors every step ends the sequence with probability 1/10: then e comes, and after e
the second symbol again, which is asked for. A sequence that is given has q + 3 steps at least and
q + 12 on average; the paper counts the answer too, and says q + 14.

Source: Hochreiter & Schmidhuber 1997, experiment 2c.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import Size
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Written
from lstm_jax.tasks.scores import Loss, largest, of_class

TOLERANCE = 0.2
LONGEST_TAIL = 99
"""Longer tails, which are 3 of 100,000, are cut to this."""


@dataclasses.dataclass(frozen=True)
class Distractors(Written, SampledTask):
    """Remember a symbol over random ones, and give it when asked.

    Args:
        q: distractors ahead of the tail; the shortest lag.
        p: how many different distractors there are.
        loss: what training minimises: the likelihood of a softmax, or squared errors of logistic
            outputs as in the paper.

    Correct if both outputs are within 0.2 of their targets. Solved when 10,000 sequences are, which
    are drawn anew at every test.

    >>> batch = Distractors(q=3, p=2).sample(jax.random.key(4), 1)
    >>> [Distractors(3, 2).symbols[s] for s in batch.inputs[: batch.lengths[0], 0]]
    ['b', 'x', 'a2', 'a2', 'a2', 'a1', 'a2', 'a2', 'a1', 'a2', 'a2', 'e']
    """

    q: Size = 50
    p: Size = 50
    loss: Loss = "likelihood"

    answers = "xy"
    error_name = "largest error of an output"
    chance = 0.5
    fresh_tests = True
    test_size = 10_000
    criterion = HeldOut(max_wrong=0)

    @property
    def symbols(self) -> list[str]:
        return [*(f"a{n}" for n in range(1, self.p + 1)), "x", "y", "b", "e"]

    @property
    def max_length(self) -> int:
        """The longest sequence, in steps."""
        return self.q + LONGEST_TAIL + 3

    @property
    def lag(self) -> int:
        return self.max_length - 2

    def sequence(self, key: PRNGKeyArray) -> Batch:
        key_tail, key_symbols = jax.random.split(key)
        end = 1.0 - jax.random.uniform(key_tail)
        tail = jnp.minimum(jnp.floor(jnp.log(end) / math.log(0.9)), LONGEST_TAIL)
        length = self.q + 3 + tail.astype(jnp.int32)
        bits = jax.random.bits(key_symbols, (self.max_length,), jnp.uint32)
        answer = (bits[1] % 2).astype(jnp.int32)
        time = jnp.arange(self.max_length)
        inputs = (bits % self.p).astype(jnp.int32)
        inputs = inputs.at[0].set(self.p + 2).at[1].set(self.p + answer)
        inputs = jnp.where(time == length - 1, self.p + 3, jnp.where(time < length, inputs, 0))
        return Batch(
            inputs=inputs,
            targets=jnp.full(self.max_length, answer),
            weights=(time == length - 1).astype(jnp.float32),
            lengths=length,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return largest(of_class(outputs, batch.targets, self.loss), batch, TOLERANCE, self.loss)
