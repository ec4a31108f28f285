"""What the tests of training share: a task and models of a few lines, and a plain training loop.

Of some seed's batches the task can spoil the rows it is asked to; the models break where they see
what it put there.
"""

import dataclasses
from collections.abc import Container
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lstm_jax.noise import Noise, drawn
from lstm_jax.sequence import select
from lstm_jax.tasks import Batch, Scores, Task, Window
from lstm_jax.tasks.scores import regression
from lstm_jax.training import Member, SeedState, Training
from lstm_jax.training.loop import Learnt

SEED = 4
RATE = 0.05
MARK = 7.0
"""An input that no draw of the task gives."""


def member(seed: int = SEED, learning_rate: float = RATE, init: int = 0) -> Member:
    """One member, alone."""
    return Member(jnp.int32(0), jnp.int32(seed), jnp.float32(learning_rate), jnp.int32(init))


def stream(seed: int, number: int) -> jax.Array:
    """The sources of randomness of a seed: 0 for parameters, 1 data, 2 noise, 3 test data."""
    return jax.random.fold_in(jax.random.key(seed), number)


@dataclasses.dataclass(frozen=True)
class Walk(Task):
    """Follow the sum of two random inputs; the state is carried from batch to batch, and set back
    at every fifth, of each row another.

    Args:
        bad_seed, bad_steps, bad_row: whose batches are spoilt, which of them, and which row of
            them; without one all rows.
        spoilt: what the inputs then are.
    """

    bad_seed: int = 0
    bad_steps: tuple[int, ...] = ()
    bad_row: int | None = None
    spoilt: float = float("nan")

    streams = True
    error_name = "absolute error"
    input_size, output_size, lag, chance = 2, 1, 4, 1.0
    criterion = Window(sequences=12, max_wrong=12, max_error=0.45)
    test_size = 10

    def batch(self, key: jax.Array, step: jax.Array, rows: jax.Array) -> Batch:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, step), rows)
        inputs = jax.vmap(lambda k: jax.random.normal(k, (4, 2)), out_axes=1)(keys)
        targets = 0.5 * inputs.sum(axis=-1, keepdims=True)
        theirs = jax.random.key_data(stream(self.bad_seed, 1)) == jax.random.key_data(key)
        bad = theirs.all() & (jnp.array((-1, *self.bad_steps)) == step).any()
        bad_rows = bad & ((rows == self.bad_row) if self.bad_row is not None else True)
        inputs = jnp.where(bad_rows[..., None], self.spoilt, inputs)
        return Batch(inputs, targets, jnp.ones(inputs.shape[:2]), None)

    def begins(self, step: jax.Array, rows: jax.Array) -> jax.Array:
        return (step + rows) % 5 == 0

    def score(self, outputs: jax.Array, batch: Batch) -> Scores:
        return regression(outputs, batch, tolerance=0.5)


class LongWalk(Walk):
    """A walk that no seed ever solves."""

    criterion = Window(sequences=12, max_wrong=0, max_error=0.0)


@dataclasses.dataclass(frozen=True)
class Leaky:
    """Inputs fade with time and are read out linearly; in training some are dropped."""

    inputs: int = 2
    outputs: int = 1
    tokens: bool = False
    scale: float = 1.0

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        w = self.scale * jax.random.normal(key, (self.inputs, self.outputs))
        return {"w": w, "b": jnp.zeros(self.outputs)}

    def initial_state(self, params: Any, batch_size: int) -> jax.Array:
        return jnp.zeros((batch_size, self.inputs))

    def apply(
        self, params: Any, inputs: jax.Array, state: Any, *, lengths: Any, noise: Noise | None
    ) -> tuple[jax.Array, jax.Array]:
        xs = jax.nn.one_hot(inputs, self.inputs) if self.tokens else inputs
        state = self.initial_state(params, xs.shape[1]) if state is None else state

        def step(h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            h = 0.9 * h + x
            return h, h

        state, hs = jax.lax.scan(step, state, xs)
        if noise is not None:
            hs = hs * drawn(noise.of_rows(xs.shape[1]), 0.8, self.inputs)
        return state, hs @ params["w"] + params["b"]


@dataclasses.dataclass(frozen=True)
class Brittle(Leaky):
    """Where a row is marked, one quantity overflows, and those computed before it do not."""

    breaks: Literal["gradient", "moments", "carry"] = "gradient"

    def apply(self, params: Any, inputs: jax.Array, state: Any, **options: Any) -> Any:
        marked = (inputs == MARK).all(axis=(0, 2))
        state, outputs = super().apply(params, inputs, state, **options)
        nought = params["b"] - jax.lax.stop_gradient(params["b"])
        if self.breaks == "gradient":  # the root's slope at nought is infinite
            outputs += jnp.sqrt(jnp.where(marked, nought, 1.0))[:, None] - 1.0
        elif self.breaks == "moments":  # a slope whose square is infinite
            outputs += 1e25 * jnp.where(marked, nought, 0.0)[:, None]
        else:
            state = jnp.where(marked[:, None], jnp.inf, state)
        return state, outputs


class Plain(NamedTuple):
    """What a loop ends with, and the scores of each of its steps."""

    learnt: Learnt
    scores: list[Scores]


def train_plainly(
    training: Training,
    who: Member,
    steps: int,
    left_out: Container[int] = (),
    lines: Container[int] | None = None,
) -> Plain:
    """A loop as anyone would write it: no `while_loop`, no record, no devices.

    The batches of steps `left_out` are never seen; with `lines`, the steps at which a line of
    metrics begins, they set everything back to what it was there.
    """
    task, model, optimizer = training.task, training.model, training.optimizer(who.learning_rate)
    params = jax.jit(model.init)(stream(who.seed, 0))
    carry = model.initial_state(params, training.batch_size) if task.streams else None
    here = snapshot = Learnt(params, optimizer.init(params), carry)

    @jax.jit
    def update(old: Learnt, step: jax.Array) -> tuple[Learnt, Scores]:
        batch = task.batch(stream(who.seed, 1), step, jnp.arange(training.batch_size))
        noise = Noise(jax.random.fold_in(stream(who.seed, 2), step))

        def loss(params: Any) -> tuple[jax.Array, Any]:
            state = old.carry
            if task.streams:
                begins = task.begins(step, jnp.arange(training.batch_size))
                initial = model.initial_state(params, training.batch_size)
                state = select(begins, initial, state)
            state, outputs = model.apply(
                params, batch.inputs, state, lengths=batch.lengths, noise=noise
            )
            scores = task.score(outputs, batch)
            return scores.loss.mean(), (state if task.streams else None, scores)

        gradient, (carried, scores) = jax.grad(loss, has_aux=True)(old.params)
        updates, moments = optimizer.update(gradient, old.optimizer, old.params)
        return Learnt(optax.apply_updates(old.params, updates), moments, carried), scores

    history = []
    for step in range(steps):
        if lines is not None and step in lines:
            snapshot = here
        if step in left_out:
            here = here if lines is None else snapshot
        else:
            here, scores = update(here, jnp.int32(step))
            history.append(scores)
    return Plain(here, history)


def by_member(states: SeedState) -> dict[int, SeedState]:
    """The state of each member of a program, wherever its lane is."""
    states = jax.device_get(states)
    places = states.member.place.tolist()
    return {place: at(states, lane) for lane, place in enumerate(places) if place >= 0}


def at(tree: Any, lane: int) -> Any:
    """What a tree holds of one lane."""
    return jax.tree.map(lambda leaf: leaf[lane], tree)


def assert_identical(one: Any, other: Any) -> None:
    """To the last bit, NaN being equal to NaN."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    pairs = zip(jax.tree.leaves_with_path(one), jax.tree.leaves(other), strict=True)
    for (path, a), b in pairs:
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path), strict=True)


def assert_finite(tree: Any) -> None:
    """No number of a tree is infinite or NaN."""
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))
