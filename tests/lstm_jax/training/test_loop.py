"""The training of one seed against a plain Python loop: real tasks, a model of a few lines."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lstm_jax.noise import Noise, drawn
from lstm_jax.tasks import Adding, HeldOut, Scores, Text, Window
from lstm_jax.training import SeedState, Training
from lstm_jax.training.loop import TEST_BATCH, evaluate, run_steps, start
from tests.tolerances import CLOSE, assert_close

BATCH = 6
SEED = 4
STEPS = 40


@dataclasses.dataclass(frozen=True)
class Leaky:
    """Inputs fade with time and are read out linearly; in training some are dropped."""

    inputs: int
    outputs: int
    tokens: bool

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        return {"w": jax.random.normal(key, (self.inputs, self.outputs)), "b": jnp.zeros(())}

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


class EasyAdding(Adding):
    """Adding, with a criterion that a guess near the mean meets, and a test that is no multiple of
    the test batch.
    """

    criterion = Window(sequences=15, max_wrong=18, max_error=0.45)
    test_size = TEST_BATCH + 40


ADDING = EasyAdding("hochreiter1997", 20)
TEXT = Text("the quick brown fox jumps over the lazy dog. " * 60, 5, 0.5, target_bits=1e-3)


class Case(NamedTuple):
    training: Training
    run: Callable[[SeedState, int], tuple]
    """`run_steps`, compiled."""


@pytest.fixture(scope="module", params=["adding", "text"])
def case(request: pytest.FixtureRequest) -> Case:
    task = ADDING if request.param == "adding" else TEXT
    model = Leaky(task.input_size, task.output_size, task.tokens)
    training = Training(task, model, optax.adam(0.05), BATCH)
    compiled = jax.jit(lambda state, until: run_steps(training, state, until))
    return Case(training, lambda state, until: compiled(state, jnp.int32(until)))


@pytest.fixture(scope="module")
def beginning(case: Case) -> SeedState:
    return start(case.training, jnp.int32(SEED))


def stream(number: int) -> jax.Array:
    """The sources of randomness of a seed: 0 for parameters, 1 data, 2 noise, 3 test data."""
    return jax.random.fold_in(jax.random.key(SEED), number)


class Plain(NamedTuple):
    params: Any
    carry: Any
    scores: list[Scores]


def train_plainly(training: Training, steps: int) -> Plain:
    """A loop as anyone would write it: no `while_loop`, no record, no devices."""
    task, model = training.task, training.model
    params = model.init(stream(0))
    optimizer = training.optimizer.init(params)
    carry = model.initial_state(params, BATCH) if task.streams else None

    @jax.jit
    def update(params: Any, optimizer: Any, carry: Any, step: jax.Array) -> tuple:
        batch = task.batch(stream(1), step, jnp.arange(BATCH))
        noise = jax.random.fold_in(stream(2), step)

        def loss(params: Any) -> tuple[jax.Array, Any]:
            state, outputs = model.apply(
                params, batch.inputs, carry, lengths=batch.lengths, noise=Noise(noise)
            )
            scores = task.score(outputs, batch)
            return scores.loss.mean(), (state if task.streams else None, scores)

        gradient, (carried, scores) = jax.grad(loss, has_aux=True)(params)
        updates, optimizer = training.optimizer.update(gradient, optimizer, params)
        return optax.apply_updates(params, updates), optimizer, carried, scores

    history = []
    for step in range(steps):
        params, optimizer, carry, scores = update(params, optimizer, carry, jnp.int32(step))
        history.append(scores)
    return Plain(params, carry, history)


@pytest.fixture(scope="module")
def plain(case: Case, beginning: SeedState) -> tuple[int, Plain]:
    """The steps that the seed makes before it solves its task, and the plain loop over as many."""
    steps = int(case.run(beginning, STEPS)[0].step)
    return steps, train_plainly(case.training, steps)


def assert_identical(one: Any, other: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_learns_what_a_plain_loop_learns(
    case: Case, beginning: SeedState, plain: tuple[int, Plain]
) -> None:
    steps, expected = plain
    state, totals = case.run(beginning, steps)
    assert_close(state.params, expected.params, CLOSE["float32"])
    assert_close(state.carry, expected.carry, CLOSE["float32"])
    assert (state.step, totals.steps) == (steps, steps)
    for key in Scores._fields:
        total = sum(float(getattr(scores, key).mean()) for scores in expected.scores)
        assert getattr(totals, key) == pytest.approx(total, rel=1e-5)


def test_the_steps_per_call_change_nothing(case: Case, beginning: SeedState) -> None:
    whole, _ = case.run(beginning, 8)
    for stops in ([1, 5, 6, 8], [7, 8], range(1, 9)):
        state = beginning
        for until in stops:
            state, _ = case.run(state, until)
        assert_identical(state, whole)


def test_a_seed_stops_where_its_criterion_is_met_and_stays_there(
    case: Case, beginning: SeedState, plain: tuple[int, Plain]
) -> None:
    steps, expected = plain
    state, totals = case.run(beginning, STEPS)
    if isinstance(case.training.task.criterion, HeldOut):
        assert (state.step, state.record.solved_at) == (STEPS, -1)
        return
    errors = np.array([scores.error.mean() for scores in expected.scores])
    means = [errors[max(0, n - 3) : n].mean() for n in range(1, steps + 1)]  # 15 sequences, rounded
    met = [n for n, mean in enumerate(means, start=1) if n >= 3 and mean < 0.45]
    assert 3 < steps < STEPS
    assert met == [steps]
    assert (state.record.solved_at, totals.steps) == (steps * BATCH, steps)
    later, nothing = case.run(state, 2 * STEPS)
    assert_identical(later, state)
    assert [float(total) for total in nothing] == [0, 0, 0, 0]


def test_evaluation_weighs_every_test_prediction_once_and_drops_nothing(
    case: Case, beginning: SeedState
) -> None:
    task, model = case.training.task, case.training.model

    @jax.jit
    def score(step: jax.Array) -> tuple[jax.Array, Scores]:
        rows = step * TEST_BATCH + jnp.arange(TEST_BATCH)
        batch = task.test_batch(stream(3), step, rows)
        _, outputs = model.apply(beginning.params, batch.inputs, None, lengths=None, noise=None)
        return batch.weights.sum(axis=0), task.score(outputs, batch)

    weights, sums = 0.0, np.zeros(3)
    for first in range(0, task.test_size, TEST_BATCH):
        count = min(TEST_BATCH, task.test_size - first)
        weight, scores = jax.tree.map(np.asarray, score(jnp.int32(first // TEST_BATCH)))
        sums += [float((each * weight)[:count].sum()) for each in scores]
        weights += weight[:count].sum()
    if task is TEXT:
        assert weights == len(TEXT.corpus) - TEXT.cut
    _, scores = jax.jit(lambda state: evaluate(case.training, state))(beginning)
    np.testing.assert_allclose(scores, sums / weights, rtol=1e-5)


def test_evaluation_alone_solves_a_task_of_held_out_data() -> None:
    """A target between what untrained and trained parameters cost is met by the latter."""
    task = dataclasses.replace(TEXT, target_bits=4.0)
    training = Training(
        task, Leaky(task.input_size, task.output_size, True), optax.adam(0.1), BATCH
    )
    run = jax.jit(lambda state, until: run_steps(training, state, until)[0])
    score = jax.jit(lambda state: evaluate(training, state))
    state, before = score(start(training, jnp.int32(SEED)))
    assert before.error > 4.0
    assert state.record.solved_at == -1
    trained = run(state, jnp.int32(60))
    assert trained.record.solved_at == -1
    solved, after = score(trained)
    assert after.error <= 4.0
    assert solved.record.solved_at == 60 * BATCH
    assert_identical(run(solved, jnp.int32(70)), solved)
    again, _ = score(solved._replace(step=jnp.int32(65)))
    assert again.record.solved_at == 60 * BATCH


def test_evaluation_does_not_solve_a_task_of_training_sequences() -> None:
    training = Training(ADDING, Leaky(2, 1, False), optax.sgd(0.0), BATCH)
    state = start(training, jnp.int32(SEED))
    scored, _ = jax.jit(lambda state: evaluate(training, state))(state)
    assert_identical(scored, state)


def test_seeds_begin_apart(case: Case, beginning: SeedState) -> None:
    other = start(case.training, jnp.int32(SEED + 1))
    assert not np.array_equal(other.params["w"], beginning.params["w"])
    assert_identical(start(case.training, jnp.int32(SEED)), beginning)
    assert (beginning.step, beginning.record.solved_at) == (0, -1)


@pytest.mark.usefixtures("checking_leaks")
def test_no_tracer_outlives_its_transformation(case: Case, beginning: SeedState) -> None:
    jax.eval_shape(lambda state: run_steps(case.training, state, jnp.int32(2)), beginning)


@pytest.mark.usefixtures("float64")
def test_trains_with_64_bit_types_on(case: Case) -> None:
    state = jax.eval_shape(lambda: start(case.training, jnp.int32(SEED)))
    jax.eval_shape(lambda state: run_steps(case.training, state, jnp.int32(2)), state)
