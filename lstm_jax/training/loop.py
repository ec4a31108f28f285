"""The training of one seed, as pure functions; `parallel.py` runs many at once.

    start -> run_steps -> run_steps -> ...          one compiled function, many steps a call

A seed that has met its task's criterion stops: its parameters stay those that met it. What a
seed learns depends on its number and not on the steps per call; on the seeds that run beside it
and the devices that share its batch it depends by rounding alone.
"""

import dataclasses
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.noise import Noise
from lstm_jax.tasks import HeldOut, Scores, Task
from lstm_jax.training.solve import SolveRecord, empty_record, is_solved, mark, observe

TEST_BATCH = 256
"""Test sequences that are scored at once."""


@runtime_checkable
class Model(Protocol):
    """What training needs of a model: functions of parameters and arrays."""

    def init(self, key: PRNGKeyArray) -> Any: ...

    def initial_state(self, params: Any, batch_size: int) -> Any: ...

    def apply(
        self, params: Any, inputs: Array, state: Any, *, lengths: Array | None, noise: Noise | None
    ) -> tuple[Any, Array]:
        """The final state and the outputs (T, B, O); without noise as at evaluation."""


class SeedState(NamedTuple):
    """All that the training of one seed carries from step to step."""

    seed: Int[Array, ""]
    step: Int[Array, ""]
    params: Any
    optimizer: Any
    carry: Any
    """The model's state, if the task is made of streams."""
    record: SolveRecord


class Totals(NamedTuple):
    """Sums over the steps of one call, for their means."""

    steps: Int[Array, ""]
    loss: Float[Array, ""]
    error: Float[Array, ""]
    correct: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Training:
    """What is trained on what, and how. `axis` names the mesh axis that shares each batch."""

    task: Task
    model: Model
    optimizer: optax.GradientTransformation
    batch_size: int
    axis: str | None = None
    shares: int = 1

    @property
    def local_batch(self) -> int:
        """The sequences of a batch that this device computes."""
        return self.batch_size // self.shares


def start(training: Training, seed: Int[Array, ""]) -> SeedState:
    """The state of a seed before its first step."""
    params = training.model.init(_stream(seed, "init"))
    carry = None
    if training.task.streams:
        carry = training.model.initial_state(params, training.local_batch)
    return SeedState(
        seed=seed,
        step=jnp.int32(0),
        params=params,
        optimizer=training.optimizer.init(params),
        carry=carry,
        record=empty_record(training.task.criterion, training.batch_size),
    )


def train_step(training: Training, state: SeedState) -> tuple[SeedState, Scores]:
    """Score one batch, then learn from it."""
    first = 0 if training.axis is None else jax.lax.axis_index(training.axis) * training.local_batch
    rows = first + jnp.arange(training.local_batch)
    batch = training.task.batch(_stream(state.seed, "data"), state.step, rows)
    noise = Noise(jax.random.fold_in(_stream(state.seed, "noise"), state.step), rows)

    def loss(params: Any) -> tuple[Array, tuple[Any, Scores]]:
        carry, outputs = training.model.apply(
            params, batch.inputs, state.carry, lengths=batch.lengths, noise=noise
        )
        scores = training.task.score(outputs, batch)
        return scores.loss.mean(), (carry, scores)

    gradient, (carry, scores) = jax.grad(loss, has_aux=True)(state.params)
    if training.axis is not None:
        gradient = jax.lax.pmean(gradient, training.axis)
        scores = jax.lax.all_gather(scores, training.axis, tiled=True)
    updates, optimizer = training.optimizer.update(gradient, state.optimizer, state.params)
    record = observe(training.task.criterion, state.record, state.step, scores)
    new = SeedState(
        seed=state.seed,
        step=state.step + 1,
        params=optax.apply_updates(state.params, updates),
        optimizer=optimizer,
        carry=carry if training.task.streams else None,
        record=record,
    )
    return new, scores


def run_steps(
    training: Training, state: SeedState, until: Int[Array, ""]
) -> tuple[SeedState, Totals]:
    """Train up to step `until`, or to the step at which the task is solved."""

    def goes_on(loop: tuple[SeedState, Totals]) -> Array:
        return (loop[0].step < until) & ~is_solved(loop[0].record)

    def body(loop: tuple[SeedState, Totals]) -> tuple[SeedState, Totals]:
        state, totals = loop
        state, scores = train_step(training, state)
        means = (score.mean(dtype=jnp.float32) for score in scores)
        step = Totals(jnp.int32(1), *means)
        return state, jax.tree.map(jnp.add, totals, step)

    nothing = Totals(jnp.int32(0), *[jnp.float32(0.0)] * 3)
    return jax.lax.while_loop(goes_on, body, (state, nothing))


def evaluate(training: Training, state: SeedState) -> tuple[SeedState, Scores]:
    """Mean scores of a seed's parameters on its task's test sequences, without dropout.

    The state comes back with the task marked as solved if its criterion is met here.
    """
    task = training.task
    rows = jnp.arange(min(task.test_size, TEST_BATCH))

    def score(index: Array) -> tuple[Array, Scores]:
        here = index * len(rows) + rows
        batch = task.test_batch(_stream(state.seed, "test"), index, here)
        _, outputs = training.model.apply(
            state.params, batch.inputs, None, lengths=batch.lengths, noise=None
        )
        weight = batch.weights.sum(axis=0) * (here < task.test_size)
        return weight.sum(), jax.tree.map(lambda s: (s * weight).sum(), task.score(outputs, batch))

    weights, sums = jax.lax.map(score, jnp.arange(-(-task.test_size // len(rows))))
    scores = jax.tree.map(lambda s: s.sum() / weights.sum(), sums)
    record = state.record
    if isinstance(task.criterion, HeldOut):
        met = scores.error <= task.criterion.max_error
        record = mark(record, met, state.step * training.batch_size)
    return state._replace(record=record), scores


def _stream(seed: Int[Array, ""], purpose: str) -> PRNGKeyArray:
    """An independent source of randomness for each purpose of a seed."""
    purposes = ("init", "data", "noise", "test")
    return jax.random.fold_in(jax.random.key(seed), purposes.index(purpose))
