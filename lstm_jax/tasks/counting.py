"""Counting: predict every symbol that may come next in strings that a finite automaton cannot
tell from others.

    a^n b^n          input     S   a   a   a   b   b   b
                     legal    aT  ab  ab  ab   b   b   T
    a^n b^m B^m A^n  input     S   a   a   b   b   b   B   B   B   A   A
                     legal    aT  ab  ab  bB  bB  bB   B   B   A   A   T
    a^n b^n c^n      input     S   a   a   b   b   c   c
                     legal    aT  ab  ab   b   c   c   T

S starts a string and T ends it, right away where it is empty. Letters whose number is still free
may go on or give way to the next; the others have to be counted.

Source: Gers & Schmidhuber 2001. That n and m go up to 10 in training could not be confirmed for
a^n b^m B^m A^n, and no sampling of n is taken from the paper: here it is uniform.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Written, time_major
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import Loss, of_logistic, share_wrong

LANGUAGES = {
    "anbn": ("ab", (0, 0)),
    "anbmBmAn": ("abBA", (0, 1, 1, 0)),
    "anbncn": ("abc", (0,) * 3),
}
"""The letters of each language in their order, and which number of them each letter has."""
Count = Annotated[int, Ge(1), Le(MAX)]


@dataclasses.dataclass(frozen=True)
class Counting(Written, SampledTask):
    """Predict every symbol that may come next in strings of equally many letters.

    Args:
        language: a^n b^n, a^n b^m B^m A^n or a^n b^n c^n.
        longest: training strings have n, and m, from 1 to this.
        test_shortest, test_longest: the range of the test strings, which are all there are; with
            `dataclasses.replace` it tells how far a trained model generalises.
        loss: what training minimises, for every legal symbol: the likelihood of logistic outputs,
            or their squared errors.

    A step is correct if the logistic outputs above 1/2 are the legal next symbols; a string is
    accepted if all of its steps are. Solved when all test strings are.

    >>> task = Counting("anbn", test_shortest=3, test_longest=3)
    >>> batch = task.test_batch(jax.random.key(0), jnp.int32(0), jnp.arange(1))
    >>> "".join(task.symbols[s] for s in batch.inputs[:, 0])
    'Saaabbb'
    """

    language: Literal["anbn", "anbmBmAn", "anbncn"]
    longest: Count = 10
    test_shortest: Count = 1
    test_longest: Count = 10
    loss: Loss = "likelihood"

    error_name = "share of steps wrong"
    criterion = HeldOut(max_error=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_shortest > self.test_longest:
            raise ValueError(
                f"test_shortest={self.test_shortest} must be at most "
                f"test_longest={self.test_longest}"
            )

    @property
    def letters(self) -> str:
        """The letters of the language in their order."""
        return LANGUAGES[self.language][0]

    @property
    def symbols(self) -> str:
        return "S" + self.letters

    @property
    def answers(self) -> str:
        return self.letters + "T"

    @property
    def lag(self) -> int:
        return 1 + len(self.letters) * self.longest

    @property
    def chance(self) -> float:
        """Of the best answers to one symbol alone, over the strings of training."""
        seen = np.zeros((self.input_size, 2))
        which = LANGUAGES[self.language][1]
        for counts in itertools.product(range(1, self.longest + 1), repeat=self._numbers):
            lengths = [counts[number] for number in which]
            steps = 1 + sum(lengths)
            for block, length in enumerate(lengths):
                last = 1 if which[block] in which[:block] else 0  # the last of a counted block
                seen[1 + block] += np.array([length - last, last]) / steps
            seen[0, 0] += 1 / steps
        return float(seen.min(axis=1).sum() / self.longest**self._numbers)

    @property
    def test_size(self) -> int:
        return (self.test_longest - self.test_shortest + 1) ** self._numbers

    @property
    def _numbers(self) -> int:
        return 1 + max(LANGUAGES[self.language][1])

    def sequence(self, key: PRNGKeyArray) -> Batch:
        return self._string(1 + integers(key, [self.longest] * self._numbers), self.longest)

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """Every test string once."""
        width = self.test_longest - self.test_shortest + 1
        digits = jnp.stack([rows // width**n % width for n in range(self._numbers)], axis=-1)
        counts = self.test_shortest + digits
        return time_major(jax.vmap(self._string, (0, None))(counts, self.test_longest))

    def _string(self, counts: Int[Array, " N"], longest: int) -> Batch:
        which: Sequence[int] = LANGUAGES[self.language][1]
        ends = jnp.cumsum(counts[jnp.array(which)])
        time = jnp.arange(1 + len(which) * longest)
        inside = time <= ends[-1]
        block = (time[:, None] > ends).sum(axis=1)  # of the letter at each step, from 0
        at_end = time == jnp.concatenate([ends, jnp.array([-1])])[block]
        free = jnp.array([number not in which[:b] for b, number in enumerate(which)] + [False])
        answer = jnp.arange(self.output_size)
        stays = (answer == block[:, None]) & (free[block] | ~at_end)[:, None]
        leaves = (answer == block[:, None] + 1) & (free[block] | at_end)[:, None]
        empty = (answer == 0) | (answer == len(which))
        legal = jnp.where((time == 0)[:, None], empty, stays | leaves)
        return Batch(
            inputs=jnp.where(inside & (time > 0), 1 + block, 0),
            targets=legal.astype(jnp.float32),
            weights=inside.astype(jnp.float32),
            lengths=1 + ends[-1],
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        steps = of_logistic(outputs, batch.targets, self.loss)
        return share_wrong(steps.loss, ~(steps.error < 0.5), batch.weights, self.loss)
