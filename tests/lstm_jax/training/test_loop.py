"""The training of one seed against a plain Python loop: real tasks, a model of a few lines."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lstm_jax.tasks import Adding, HeldOut, Scores, Text, TwoSequences, Window
from lstm_jax.training import SeedState, Training
from lstm_jax.training.loop import TEST_BATCH, evaluate, run_steps, runs, scored_at_once, start
from tests.lstm_jax.training.plain import (
    RATE,
    SEED,
    Leaky,
    LongWalk,
    Plain,
    assert_identical,
    member,
    stream,
    train_plainly,
)
from tests.tolerances import CLOSE, assert_close

BATCH = 6
STEPS = 40


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
    run: Callable[..., SeedState]
    """`run_steps`, compiled: of a state, a step and, where none begins, no line of metrics."""


def compiled(training: Training) -> Case:
    run = jax.jit(lambda state, until, afresh: run_steps(training, state, until, afresh))
    return Case(
        training,
        lambda state, until, afresh=False: run(state, jnp.int32(until), jnp.bool_(afresh)),
    )


@pytest.fixture(scope="module", params=["adding", "text"])
def case(request: pytest.FixtureRequest) -> Case:
    task = ADDING if request.param == "adding" else TEXT
    model = Leaky(task.input_size, task.output_size, task.tokens)
    return compiled(Training(task, model, optax.adam, BATCH))


@pytest.fixture(scope="module")
def beginning(case: Case) -> SeedState:
    return start(case.training, member())


@pytest.fixture(scope="module")
def plain(case: Case, beginning: SeedState) -> tuple[int, Plain]:
    """The steps that the seed makes before it solves its task, and the plain loop over as many."""
    steps = int(case.run(beginning, STEPS).step)
    return steps, train_plainly(case.training, member(), steps)


def test_learns_what_a_plain_loop_learns(
    case: Case, beginning: SeedState, plain: tuple[int, Plain]
) -> None:
    steps, expected = plain
    state = case.run(beginning, steps)
    assert_close(state.learnt, expected.learnt, CLOSE["float32"])
    assert (state.step, state.totals.steps) == (steps, steps)
    for key in Scores._fields:
        total = sum(float(getattr(scores, key).mean()) for scores in expected.scores)
        assert getattr(state.totals, key) == pytest.approx(total, rel=1e-5)


def test_the_steps_per_call_change_nothing(case: Case, beginning: SeedState) -> None:
    """Not even the totals, which calls add to until a line of metrics begins."""
    whole = case.run(beginning, 8)
    for stops in ([1, 5, 6, 8], [7, 8], range(1, 9)):
        state = beginning
        for until in stops:
            state = case.run(state, until)
        assert_identical(state, whole)


def test_a_line_of_metrics_begins_with_new_totals_and_changes_nothing_else(
    case: Case, beginning: SeedState
) -> None:
    whole, half = case.run(beginning, 8), case.run(beginning, 5)
    again = case.run(half, 8, afresh=True)
    assert again.totals.steps == 3
    for each, first, second in zip(whole.totals, half.totals, again.totals, strict=True):
        np.testing.assert_allclose(first + second, each, rtol=1e-5)
    assert_identical(again._replace(totals=whole.totals), whole)


def test_a_seed_stops_where_its_criterion_is_met_and_stays_there(
    case: Case, beginning: SeedState, plain: tuple[int, Plain]
) -> None:
    steps, expected = plain
    state = case.run(beginning, STEPS)
    assert runs(beginning)
    if isinstance(case.training.task.criterion, HeldOut):
        assert (state.step, state.record.solved_at, runs(state)) == (STEPS, -1, True)
        return
    errors = np.array([scores.error.mean() for scores in expected.scores])
    means = [errors[max(0, n - 3) : n].mean() for n in range(1, steps + 1)]  # 15 sequences, rounded
    met = [n for n, mean in enumerate(means, start=1) if n >= 3 and mean < 0.45]
    assert 3 < steps < STEPS
    assert met == [steps]
    assert (state.record.solved_at, state.totals.steps) == (steps * BATCH, steps)
    assert not runs(state)
    assert_identical(case.run(state, 2 * STEPS), state)
    assert [float(total) for total in case.run(state, 2 * STEPS, afresh=True).totals] == [0] * 4


def test_a_place_that_nobody_has_does_not_run(case: Case, beginning: SeedState) -> None:
    empty = beginning._replace(member=beginning.member._replace(place=jnp.int32(-1)))
    assert not runs(empty)
    assert_identical(case.run(empty, STEPS), empty)


def test_evaluation_weighs_every_test_prediction_once_and_drops_nothing(
    case: Case, beginning: SeedState
) -> None:
    task, model = case.training.task, case.training.model

    @jax.jit
    def score(step: jax.Array) -> tuple[jax.Array, Scores]:
        rows = step * TEST_BATCH + jnp.arange(TEST_BATCH)
        batch = task.test_batch(stream(SEED, 3), step, rows)
        _, outputs = model.apply(
            beginning.learnt.params, batch.inputs, None, lengths=None, noise=None
        )
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


def test_fewer_test_sequences_are_scored_at_once_where_they_are_long() -> None:
    sizes = [scored_at_once(Adding("hochreiter1997", length)) for length in (100, 10**5, 10**7)]
    assert sizes == [TEST_BATCH, 38, 1]
    assert scored_at_once(TEXT) == TEXT.test_size


def test_test_sequences_are_drawn_anew_where_the_task_says_so() -> None:
    """At another step, of the same parameters: another score where they are, else the same."""
    for task, fresh in ((TwoSequences("3a", length=5, shown=1), True), (TEXT, False)):
        model = Leaky(task.input_size, task.output_size, task.tokens)
        training = Training(task, model, optax.adam, BATCH)
        state = start(training, member())
        score = jax.jit(lambda state, training=training: evaluate(training, state)[1])
        there, again = score(state), score(state._replace(step=jnp.int32(3)))
        assert (there.loss != again.loss) == fresh


def test_evaluation_alone_solves_a_task_of_held_out_data() -> None:
    """A target between what untrained and trained parameters cost is met by the latter."""
    task = dataclasses.replace(TEXT, target_bits=4.0)
    training = Training(task, Leaky(task.input_size, task.output_size, True), optax.adam, BATCH)
    run = compiled(training).run
    score = jax.jit(lambda state: evaluate(training, state))
    state, before = score(start(training, member(learning_rate=0.1)))
    assert before.error > 4.0
    assert state.record.solved_at == -1
    trained = run(state, 60)
    assert trained.record.solved_at == -1
    solved, after = score(trained)
    assert after.error <= 4.0
    assert solved.record.solved_at == 60 * BATCH
    assert_identical(run(solved, 70), solved)
    again, _ = score(solved._replace(step=jnp.int32(65)))
    assert again.record.solved_at == 60 * BATCH


def test_evaluation_does_not_solve_a_task_of_training_sequences() -> None:
    training = Training(ADDING, Leaky(2, 1, False), optax.sgd, BATCH)
    state = start(training, member())
    scored, _ = jax.jit(lambda state: evaluate(training, state))(state)
    assert_identical(scored, state)


def test_seeds_begin_apart(case: Case, beginning: SeedState) -> None:
    other = start(case.training, member(SEED + 1))
    assert not np.array_equal(other.learnt.params["w"], beginning.learnt.params["w"])
    assert_identical(start(case.training, member()), beginning)
    assert (beginning.step, beginning.record.solved_at) == (0, -1)


def test_a_member_learns_at_its_own_rate() -> None:
    case = compiled(Training(LongWalk(), Leaky(), optax.adam, BATCH))
    learnt = {}
    for rate in (RATE, 3 * RATE):
        who = member(learning_rate=rate)
        learnt[rate] = case.run(start(case.training, who), 5).learnt
        assert_close(learnt[rate], train_plainly(case.training, who, 5).learnt, CLOSE["float32"])
    moved = np.abs(learnt[RATE].params["w"] - learnt[3 * RATE].params["w"])
    assert moved.min() > RATE


def test_a_member_begins_with_the_parameters_that_it_names() -> None:
    inits = tuple(Leaky(scale=scale).init for scale in (1.0, 5.0, 0.2))
    training = Training(LongWalk(), Leaky(), optax.adam, BATCH, inits)
    for number, init in enumerate(inits):
        state = start(training, member(init=number))
        assert_close(state.learnt.params, init(stream(SEED, 0)), CLOSE["float32"])
    one = dataclasses.replace(training, inits=inits[1:2])
    assert_close(start(one, member()).learnt.params, inits[1](stream(SEED, 0)), CLOSE["float32"])


@pytest.mark.usefixtures("checking_leaks")
def test_no_tracer_outlives_its_transformation(case: Case, beginning: SeedState) -> None:
    jax.eval_shape(case.run, beginning, 2, True)


@pytest.mark.usefixtures("float64")
def test_trains_with_64_bit_types_on(case: Case) -> None:
    state = jax.eval_shape(lambda: start(case.training, member()))
    run = lambda state: run_steps(case.training, state, jnp.int32(2), jnp.bool_(True))  # noqa: E731
    assert jax.eval_shape(run, state) == state
