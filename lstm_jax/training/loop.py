"""The training of one seed, as pure functions; `parallel.py` runs many at once.

    start -> run_steps -> run_steps -> ...          one compiled function, many steps a call

A seed that has met its task's criterion stops, and so does one whose numbers are not finite (see
`nonfinite.py`): its parameters stay those it had. What a seed learns depends on its number and on
the settings alone: neither on the steps per call, nor on the seeds that run beside it, nor on the
devices that share the work.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lstm_jax.noise import Noise
from lstm_jax.tasks import Batch, HeldOut, Scores, Task
from lstm_jax.training.gradient import Graded, Sharing, grade_batch
from lstm_jax.training.nonfinite import (
    Health,
    Policy,
    after,
    all_finite,
    has_failed,
    select,
    sound,
)
from lstm_jax.training.online import Online, Stepping
from lstm_jax.training.solve import SolveRecord, empty_record, is_solved, mark, observe, passes

TEST_BATCH = 256
"""Test sequences that are scored at once."""
TEST_STEPS = 2**22
"""Steps of all of them together; of sequences longer than 16,384 steps fewer are scored at once."""

OptimizerOf = Callable[[Any], optax.GradientTransformation]
"""The optimiser with a learning rate, which may be traced, so that each seed can have its own."""


@runtime_checkable
class Model(Protocol):
    """What training needs of a model: functions of parameters and arrays."""

    def init(self, key: PRNGKeyArray) -> Any: ...

    def initial_state(self, params: Any, batch_size: int) -> Any: ...

    def apply(
        self, params: Any, inputs: Array, state: Any, *, lengths: Array | None, noise: Noise | None
    ) -> tuple[Any, Array]:
        """The final state and the outputs (T, B, O); without noise as at evaluation."""


class Member(NamedTuple):
    """One of those who train side by side; fields have an axis where they stand for many."""

    place: Int[Array, "*M"]
    """Its number among them; -1 fills a place that nobody has."""
    seed: Int[Array, "*M"]
    learning_rate: Float[Array, "*M"]
    init: Int[Array, "*M"]
    """Which of `Training.inits` draws its parameters."""


class Totals(NamedTuple):
    """Sums over the sound steps since the last line of metrics, for their means."""

    steps: Int[Array, ""]
    loss: Float[Array, ""]
    error: Float[Array, ""]
    correct: Float[Array, ""]


class Learnt(NamedTuple):
    """What a step changes, and a bad step does not."""

    params: Any
    optimizer: Any
    carry: Any
    """What goes on from batch to batch, if the task is made of streams: the model's state, or
    `online.Running`."""


class SeedState(NamedTuple):
    """All that a seed's training carries from step to step; saved, it can go on from here."""

    member: Member
    step: Int[Array, ""]
    learnt: Learnt
    record: SolveRecord
    totals: Totals
    health: Health
    snapshot: Learnt | None
    """What had been learnt at the last line of metrics, where bad steps roll back to it."""


@dataclasses.dataclass(frozen=True)
class Training:
    """What is trained on what, and how.

    Args:
        task, model, batch_size: what learns what, from how many sequences a step.
        optimizer: of a learning rate; each member has its own.
        inits: functions of a key that draw parameters, of which each member names one; left out,
            that of the model. They give the same shapes.
        shares: parts of a batch whose gradients are computed apart.
        on_nonfinite: what a seed does with a step whose numbers are not finite.
        online: whether a seed learns from every step of time as it comes, rather than from a whole
            batch; of a batch that is not shared.
        diagnose: of a member's parameters and `diagnosed` of its test sequences, what there is to
            tell of them: a dict of numbers by name.
        axis, devices: the mesh axis whose devices share each batch, and how many they are.
    """

    task: Task
    model: Model
    optimizer: OptimizerOf
    batch_size: int
    inits: tuple[Callable[[PRNGKeyArray], Any], ...] = ()
    shares: int = 1
    on_nonfinite: Policy = "stop"
    online: bool = False
    diagnose: Callable[[Any, Batch], dict[str, Array]] | None = None
    diagnosed: int = 1
    axis: str | None = None
    devices: int = 1

    @property
    def sharing(self) -> Sharing:
        """How a batch is shared."""
        return Sharing(self.batch_size, self.shares, self.axis, self.devices)


def start(training: Training, member: Member) -> SeedState:
    """The state of a seed before its first step."""
    inits = training.inits or (training.model.init,)
    key = _stream(member.seed, "init")
    params = inits[0](key) if len(inits) == 1 else jax.lax.switch(member.init, inits, key)
    carry = _carried(training, member, params) if training.task.streams else None
    learnt = Learnt(params, training.optimizer(member.learning_rate).init(params), carry)
    return SeedState(
        member=member,
        step=jnp.int32(0),
        learnt=learnt,
        record=empty_record(training.task.criterion, training.batch_size),
        totals=_nothing(),
        health=sound(),
        snapshot=learnt if training.on_nonfinite == "rollback" else None,
    )


def grade(training: Training, state: SeedState) -> Graded:
    """What the batch of the coming step teaches."""
    task, model = training.task, training.model
    noise_key = jax.random.fold_in(_stream(state.member.seed, "noise"), state.step)

    def grade_rows(carry: Any, rows: Int[Array, " R"]) -> Graded:
        batch = _batch(training, state, rows)

        def loss(params: Any) -> tuple[Array, tuple[Any, Scores]]:
            before = carry
            if task.streams:
                initial = model.initial_state(params, len(rows))
                before = jax.vmap(select)(task.begins(state.step, rows), initial, carry)
            carried, outputs = model.apply(
                params, batch.inputs, before, lengths=batch.lengths, noise=Noise(noise_key, rows)
            )
            scores = task.score(outputs, batch)
            return scores.loss.mean(), (carried if task.streams else None, scores)

        gradient, (carried, scores) = jax.grad(loss, has_aux=True)(state.learnt.params)
        return Graded(gradient, carried, scores)

    return grade_batch(grade_rows, state.learnt.carry, training.sharing)


def learn(training: Training, state: SeedState) -> tuple[Learnt, Scores]:
    """What has been learnt after the batch of the coming step, and how well it was predicted."""
    old = state.learnt
    if training.online:
        task, rows = training.task, jnp.arange(training.batch_size)
        batch, online = _batch(training, state, rows), _online(training, state.member)
        running = online.begin(old.params, batch.inputs)
        if task.streams:
            running = jax.vmap(select)(task.begins(state.step, rows), running, old.carry)
        taught = online.learn(old.params, old.optimizer, running, batch)
        carry = taught.running if task.streams else None
        return Learnt(taught.params, taught.moments, carry), taught.scores
    graded, optimizer = grade(training, state), training.optimizer(state.member.learning_rate)
    updates, moments = optimizer.update(graded.gradient, old.optimizer, old.params)
    params = optax.apply_updates(old.params, updates)
    return Learnt(params, moments, graded.carry), graded.scores


def train_step(training: Training, state: SeedState) -> SeedState:
    """Score one batch, then learn from it, unless its numbers are bad."""
    old, (new, scores) = state.learnt, learn(training, state)
    means = Scores(*(score.mean(dtype=jnp.float32) for score in scores))
    ok = _agreed(training, all_finite((means.loss, new)))
    health = after(state.health, ok, state.step, training.on_nonfinite)
    record = observe(training.task.criterion, state.record, state.step, scores)
    totals = jax.tree.map(jnp.add, state.totals, Totals(jnp.int32(1), *means))
    goes_on = ~has_failed(health)
    return state._replace(
        step=state.step + goes_on.astype(jnp.int32),
        learnt=select(ok, new, old if state.snapshot is None else state.snapshot),
        record=select(goes_on, record, state.record),
        totals=select(ok, totals, state.totals),
        health=health,
    )


def run_steps(
    training: Training, state: SeedState, until: Int[Array, ""], afresh: Bool[Array, ""]
) -> SeedState:
    """Train up to step `until`, or to the one at which the seed stops.

    `afresh` begins another line of metrics: with new totals and, where bad steps roll back, with a
    snapshot of what has been learnt.
    """
    state = state._replace(totals=select(afresh, _nothing(), state.totals))
    if state.snapshot is not None:
        state = state._replace(snapshot=select(afresh, state.learnt, state.snapshot))

    def goes_on(state: SeedState) -> Array:
        return (state.step < until) & runs(state)

    return jax.lax.while_loop(goes_on, lambda state: train_step(training, state), state)


def runs(state: SeedState) -> Bool[Array, "*M"]:
    """Whether a seed has neither solved its task nor failed."""
    return (state.member.place >= 0) & ~is_solved(state.record) & ~has_failed(state.health)


def evaluate(training: Training, state: SeedState) -> tuple[SeedState, Scores]:
    """Mean scores of a seed's parameters on its task's test sequences, without dropout.

    The state comes back with the task marked as solved if its criterion is met here.
    """
    task, key = training.task, _stream(state.member.seed, "test")
    if task.fresh_tests:
        key = jax.random.fold_in(key, state.step)
    rows = jnp.arange(tested_at_once(task))

    def score(index: Array) -> tuple[Array, Scores]:
        here = index * len(rows) + rows
        batch = task.test_batch(key, index, here)
        _, outputs = training.model.apply(
            state.learnt.params, batch.inputs, None, lengths=batch.lengths, noise=None
        )
        return batch.weights.sum(axis=0) * (here < task.test_size), task.score(outputs, batch)

    batches = jax.lax.map(score, jnp.arange(-(-task.test_size // len(rows))))
    weights, each = jax.tree.map(jnp.ravel, batches)
    scores = jax.tree.map(lambda s: (s * weights).sum() / weights.sum(), each)
    record = state.record
    if isinstance(task.criterion, HeldOut):
        met = passes(task.criterion, each, weights)
        record = mark(record, met, state.step * training.batch_size)
    return state._replace(record=record), scores


def tested_at_once(task: Task) -> int:
    """How many test sequences are scored at once, so that the longest ones fit in memory."""
    most = min(task.test_size, TEST_BATCH)
    drawn = jax.eval_shape(task.test_batch, jax.random.key(0), jnp.int32(0), jnp.arange(most))
    return max(1, min(most, TEST_STEPS // drawn.weights.shape[0]))


def diagnose(training: Training, state: SeedState) -> dict[str, Array]:
    """What `Training.diagnose` tells of a seed; nothing without one."""
    if training.diagnose is None:
        return {}
    rows = jnp.arange(min(training.diagnosed, training.task.test_size))
    batch = training.task.test_batch(_stream(state.member.seed, "test"), jnp.int32(0), rows)
    return training.diagnose(state.learnt.params, batch)


def _batch(training: Training, state: SeedState, rows: Int[Array, " R"]) -> Batch:
    return training.task.batch(_stream(state.member.seed, "data"), state.step, rows)


def _online(training: Training, member: Member) -> Online:
    if not isinstance(training.model, Stepping):
        raise TypeError(f"online learning needs a model with a step, got {training.model!r}")
    return Online(training.model, training.task, training.optimizer(member.learning_rate))


def _carried(training: Training, member: Member, params: Any) -> Any:
    """What a task of streams carries into its first batch."""
    if not training.online:
        return training.model.initial_state(params, training.sharing.rows)
    rows = jnp.arange(training.batch_size)
    batch = jax.eval_shape(training.task.batch, jax.random.key(0), jnp.int32(0), rows)
    return _online(training, member).begin(params, batch.inputs)


def _nothing() -> Totals:
    return Totals(jnp.int32(0), *[jnp.float32(0.0)] * 3)


def _agreed(training: Training, ok: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether every device that shares the batch says so."""
    if training.axis is None or not training.task.streams:
        return ok  # but for the carried states, all of them see the same numbers
    return jax.lax.pmin(ok.astype(jnp.int32), training.axis) > 0


def _stream(seed: Int[Array, ""], purpose: str) -> PRNGKeyArray:
    """An independent source of randomness for each purpose of a seed."""
    purposes = ("init", "data", "noise", "test")
    return jax.random.fold_in(jax.random.key(seed), purposes.index(purpose))
