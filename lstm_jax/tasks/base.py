"""What a task is: a sampler of sequences, a score for predictions, and what counts as solved.

Samplers are pure: the sequences of a training step are a function of (key, step, row), so the
number of steps per dispatch, the number of devices and a resumed run never change the data.
"""

import abc
import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lstm_jax.checks import Settings


class Batch(NamedTuple):
    """Sequences, time-major; a single sequence lacks the axis B."""

    inputs: Float[Array, "T *B I"] | Int[Array, "T *B"]
    targets: Float[Array, "T *B O"] | Int[Array, "T *B"]
    weights: Float[Array, "T *B"]
    """How much each prediction counts; zero where nothing is asked."""
    lengths: Int[Array, "*B"] | None
    """Steps of each sequence; None where all have T."""


class Scores(NamedTuple):
    """How well each sequence of a batch was predicted."""

    loss: Float[Array, " B"]
    """What training minimises."""
    error: Float[Array, " B"]
    """What people read, in the unit that `Task.error_name` gives."""
    correct: Bool[Array, " B"]
    """Whether the sequence counts as processed correctly."""


@dataclasses.dataclass(frozen=True)
class Window:
    """Solved by the latest `sequences` training sequences, each scored before it was learnt from:
    at most `max_wrong` of them wrong and their mean error below `max_error`.
    """

    sequences: int
    max_wrong: int
    max_error: float = math.inf


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Solved by the test sequences, or the first `sequences` of them: their mean error at most
    `max_error` and at most `max_wrong` of them wrong.
    """

    max_error: float = math.inf
    max_wrong: int | None = None
    sequences: int | None = None


@dataclasses.dataclass(frozen=True)
class Task(Settings, abc.ABC):
    """A problem to learn; its fields are what a config may say of it."""

    tokens: ClassVar[bool] = False
    """Whether inputs are integers (T, B) rather than values (T, B, I)."""
    streams: ClassVar[bool] = False
    """Whether row r of the next step continues row r of this one, so that a state is carried."""
    fresh_tests: ClassVar[bool] = False
    """Whether every evaluation draws its test sequences anew."""
    error_name: ClassVar[str]
    """What `Scores.error` measures."""

    @property
    @abc.abstractmethod
    def input_size(self) -> int:
        """I, or the number of different tokens."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """O, the width of a prediction."""

    @property
    @abc.abstractmethod
    def lag(self) -> int:
        """The longest dependency, in steps."""

    @property
    @abc.abstractmethod
    def chance(self) -> float:
        """The mean error of the best predictor that remembers nothing."""

    @property
    @abc.abstractmethod
    def criterion(self) -> Window | HeldOut:
        """When the task counts as solved."""

    @property
    def threshold(self) -> float | None:
        """The mean error that counts as solved; None where the criterion names none."""
        limit = self.criterion.max_error
        return limit if math.isfinite(limit) else None

    @abc.abstractmethod
    def batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """The given rows of the batch of a training step."""

    @abc.abstractmethod
    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        """Compare predictions with the targets of the batch."""

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """As `batch`, of sequences that no training step has seen; `key` is not training's."""
        return self.batch(key, step, rows)

    def begins(self, step: Int[Array, ""], rows: Int[Array, " B"]) -> Bool[Array, " B"]:
        """Whether another stream begins in each of the given rows, with the initial state."""
        return jnp.zeros(rows.shape, bool)

    @property
    def test_size(self) -> int:
        """The number of test sequences; 2560 as in Hochreiter & Schmidhuber 1997."""
        return 2560

    @property
    def data(self) -> bytes | None:
        """What the task is made of beside its settings; None where it draws all by itself."""
        return None

    @property
    def symbols(self) -> Sequence[str]:
        """How each token is written; its number, if nothing else is said."""
        return [str(token) for token in range(self.input_size)]

    @property
    def answers(self) -> Sequence[str] | None:
        """How each class or symbol that outputs stand for is written; None for plain values."""
        return self.symbols if self.tokens and self.output_size == self.input_size else None

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        """`batch_size` sequences, drawn by one compiled program."""
        return _sample(self, key, batch_size)


@functools.partial(jax.jit, static_argnames=("task", "batch_size"))
def _sample(task: Task, key: PRNGKeyArray, batch_size: int) -> Batch:
    return task.batch(key, jnp.int32(0), jnp.arange(batch_size))


def time_major(by_row: Batch) -> Batch:
    """Sequences that were mapped over, arrays (B, T, ...), as a batch."""
    inputs, targets, weights = (part.swapaxes(0, 1) for part in by_row[:3])
    return Batch(inputs, targets, weights, by_row.lengths)


class SampledTask(Task):
    """A task whose sequences are drawn independently of one another."""

    @abc.abstractmethod
    def sequence(self, key: PRNGKeyArray) -> Batch:
        """One sequence: a batch without the axis B."""

    def batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, step), rows)
        return time_major(jax.vmap(self.sequence)(keys))


class Written(Task):
    """A task of tokens that are written: as many as there are symbols, and answers."""

    tokens = True

    @property
    @abc.abstractmethod
    def symbols(self) -> Sequence[str]:
        """How each token is written."""

    @property
    def answers(self) -> Sequence[str]:
        """How each class or symbol that outputs stand for is written."""
        return self.symbols

    @property
    def input_size(self) -> int:
        return len(self.symbols)

    @property
    def output_size(self) -> int:
        return len(self.answers)
