"""Long time lags: the first symbol of a sequence comes again as its last.

    2a   y a1 a2 a3 ... a99 y        2b   y a17 a4 a88 ... a52 y
         x a1 a2 a3 ... a99 x             x a63 a5 a71 ... a20 x

Every next symbol is asked for. In 2a, with local regularities, all but the last follow from the
symbol before; in 2b, without, the middle is random and nothing but the last can be known.

Source: Hochreiter & Schmidhuber 1997, experiments 2a and 2b; p = 100 there.
"""

import dataclasses
from typing import Annotated, Literal

import jax.numpy as jnp
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import Loss, Steps, largest, of_class

TOLERANCE = 0.25


@dataclasses.dataclass(frozen=True)
class LongLag(Written, SampledTask):
    """Predict every symbol of a sequence whose last is its first.

    Args:
        variant: "2a" with local regularities, "2b" without.
        p: the number of symbols less one, and of steps.
        loss: what training minimises: the likelihood of a softmax, or squared errors of logistic
            outputs as in the paper.
        end_weight: how much the last step counts in training, each other step being 1; 1 in the
            paper.

    Correct if no output is off by 0.25 or more: at any step in 2a, at the last in 2b. Solved when
    10,000 sequences are correct, drawn anew at every test; as 2a has two sequences, its test is
    those two.

    >>> from jax.random import key
    >>> batch = LongLag("2a", p=4).sample(key(0), 1)
    >>> batch.inputs[:, 0].tolist(), batch.targets[:, 0].tolist()
    ([4, 0, 1, 2], [0, 1, 2, 4])
    """

    variant: Literal["2a", "2b"]
    p: Annotated[int, Ge(2), Le(MAX)] = 100
    loss: Loss = "likelihood"
    end_weight: Annotated[float, Gt(0.0)] = 1.0

    fresh_tests = True
    error_name = "largest error of an output"
    chance = 0.5  # the last symbol is x as often as y

    @property
    def symbols(self) -> list[str]:
        return [*(f"a{n}" for n in range(1, self.p)), "x", "y"]

    @property
    def lag(self) -> int:
        return self.p

    @property
    def criterion(self) -> HeldOut:
        return HeldOut(max_wrong=0)

    @property
    def test_size(self) -> int:
        return 2 if self.variant == "2a" else 10_000

    def sequence(self, key: PRNGKeyArray) -> Batch:
        drawn = integers(key, [2] + [self.p - 1] * (self.p - 1))
        return self._sequence(drawn[0], drawn[1:])

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        batch = self.batch(key, step, rows)
        if self.variant == "2b":
            return batch
        ends = self.p - 1 + rows % 2
        return batch._replace(
            inputs=batch.inputs.at[0].set(ends), targets=batch.targets.at[-1].set(ends)
        )

    def _sequence(self, which: Int[Array, ""], drawn: Int[Array, " N"]) -> Batch:
        middle = jnp.arange(self.p - 1) if self.variant == "2a" else drawn
        end = (self.p - 1 + which)[None]
        inputs, targets = jnp.concatenate([end, middle]), jnp.concatenate([middle, end])
        return Batch(inputs, targets, jnp.ones(self.p).at[-1].set(self.end_weight), None)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        steps = of_class(outputs, batch.targets, self.loss)
        if self.variant == "2b":
            steps = Steps(steps.loss, steps.error.at[:-1].set(0.0))
        return largest(steps, batch, TOLERANCE, self.loss)
