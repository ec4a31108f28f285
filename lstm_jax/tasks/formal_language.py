"""Formal languages: learn a rule on short strings, and keep to it on long ones.

    input    0  1  1  ?  ?  ?        and for a language whose answer is one symbol
    answer            1  1  0            input    0  1  1  0  1  ?
                                         answer                  1

The answer is asked for, symbol by symbol, after the string. `lstm_jax.tasks.chomsky` has the
fifteen languages, from those that a finite automaton solves to those that need a tape.

Source: Deletang et al. 2022, Neural Networks and the Chomsky Hierarchy. Training lengths are
uniform from 1 to 40; the score is the accuracy, a mean over lengths from 41 to 500, and a language
is solved at 90%.
"""

import dataclasses
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Lt
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from lstm_jax.checks import Size
from lstm_jax.tasks.base import Batch, HeldOut, Scores, Written
from lstm_jax.tasks.chomsky import LANGUAGES, Language
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong

QUESTION = "?"


@dataclasses.dataclass(frozen=True)
class FormalLanguage(Written):
    """Learn a rule on short strings, and keep to it on long ones.

    Args:
        language: one of `lstm_jax.tasks.chomsky.LANGUAGES`.
        longest: training strings have lengths from 1 to this, or from the shortest there is.
        test_shortest, test_longest: the lengths of test strings.
        tests_per_length: test strings of each length; 512 in the authors' code.
        max_error: solved at this error of the test strings, or less.
        one_length: whether the strings of a training batch are of one length, as in the paper,
            instead of each of its own.

    The error is 1 - score of the paper: every test string counts the same, however long its answer.
    Chance is that of giving the commonest symbol throughout, on long strings; the end marks of some
    answers, one symbol of many, are left out of it. In the paper an error of 0.1 counts as solved;
    training ends where a task is solved, so that another `max_error` finds the score it can reach.

    >>> task = FormalLanguage("reverse_string", longest=5)
    >>> batch = task.sample(jax.random.key(2), 1)
    >>> int(batch.lengths[0])
    8
    >>> "".join(task.symbols[s] for s in batch.inputs[:8, 0])
    '0111????'
    >>> "".join(task.answers[s] for s in batch.targets[4:8, 0])
    '1110'
    """

    language: Literal[*LANGUAGES]  # type: ignore[valid-type]
    longest: Size = 40
    test_shortest: Size = 41
    test_longest: Size = 500
    tests_per_length: Size = 2
    max_error: Annotated[float, Ge(0.0), Lt(1.0)] = 0.1
    one_length: bool = False

    error_name = "share of answers wrong"

    def __post_init__(self) -> None:
        super().__post_init__()
        shortest = self.rules.shortest
        if self.longest < shortest:
            raise ValueError(
                f"longest={self.longest} must be at least {shortest}, as "
                f"{self.language} has no shorter strings"
            )
        if not shortest <= self.test_shortest <= self.test_longest:
            raise ValueError(
                f"test_shortest={self.test_shortest} must be from {shortest} to "
                f"test_longest={self.test_longest}"
            )

    @property
    def rules(self) -> Language:
        """The language itself."""
        return LANGUAGES[self.language]

    @property
    def symbols(self) -> str:
        return self.rules.symbols + QUESTION

    @property
    def answers(self) -> str:
        return self.rules.answers

    @property
    def lag(self) -> int:
        """The steps of the longest training string and its answer."""
        return self._steps(self.longest)

    @property
    def criterion(self) -> HeldOut:
        return HeldOut(max_error=self.max_error)

    @property
    def chance(self) -> float:
        return self.rules.chance(range(self.test_shortest, self.test_longest + 1))

    @property
    def test_size(self) -> int:
        return self.tests_per_length * (self.test_longest - self.test_shortest + 1)

    def batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        key_length, key_string = jax.random.split(jax.random.fold_in(key, step))
        shortest = self.rules.shortest
        keys = _keys(key_length, jnp.zeros_like(rows) if self.one_length else rows)
        drawn = jax.vmap(lambda key: integers(key, [self.longest])[0])(keys)
        lengths = jnp.maximum(1 + drawn, shortest)
        return self._strings(_keys(key_string, rows), lengths, self.longest)

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """Every length in turn, padded to the longest; the weights of each string add up to 1."""
        span = self.test_longest - self.test_shortest + 1
        keys = _keys(jax.random.fold_in(key, step), rows)
        batch = self._strings(keys, self.test_shortest + rows % span, self.test_longest)
        return batch._replace(weights=batch.weights / batch.weights.sum(axis=0))

    def _strings(self, keys: Key[Array, " B"], lengths: Int[Array, " B"], longest: int) -> Batch:
        strings = jax.vmap(self.rules.draw, (0, 0, None))(keys, lengths, longest)
        time = jnp.arange(self._steps(longest))[:, None]
        ends = strings.length + strings.answered
        asked = (time >= strings.length) & (time < ends)
        column = jnp.arange(len(lengths))
        tokens = strings.tokens[column, jnp.minimum(time, longest - 1)]
        answers = strings.answer[column, jnp.maximum(time - strings.length, 0)]
        question = len(self.rules.symbols)
        return Batch(
            inputs=jnp.select([time < strings.length, asked], [tokens, question], 0),
            targets=jnp.where(asked, answers, 0),
            weights=asked.astype(jnp.float32),
            lengths=ends,
        )

    def _steps(self, longest: int) -> int:
        return longest + self.rules.longest_answer(longest)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)


def _keys(key: PRNGKeyArray, rows: Int[Array, " B"]) -> Key[Array, " B"]:
    return jax.vmap(jax.random.fold_in, (None, 0))(key, rows)
