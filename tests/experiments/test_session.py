"""The seeds of a run between compiled calls, with a program whose course is written down."""

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.session import Session
from lstm_jax.tasks import Scores
from lstm_jax.training import Program, SeedState, Totals, TrainSettings
from lstm_jax.training.solve import SolveRecord

NEVER = 10**6
BATCH = 4


def scripted(stops: list[int], spoilt: tuple[int, ...] = (), solving_test: int = NEVER) -> Program:
    """A program whose seed s solves its task at step `stops[s]`.

    The loss of step n is n, the error twice that; both are NaN for the seeds in `spoilt`. Test
    errors are a hundredth of the step, and from step `solving_test` on they solve the task.
    """
    last = jnp.array(stops)
    bad = jnp.array([place in spoilt for place in range(len(stops))])

    def start(seeds: jax.Array) -> SeedState:
        zeros = jnp.zeros_like(seeds)
        table = jnp.zeros((len(seeds), 0))
        record = SolveRecord(table.astype(jnp.int32), table, zeros - 1)
        return SeedState(seeds, zeros, {"w": 1.0 * seeds}, (), None, record)

    def run_steps(state: SeedState, until: jax.Array) -> tuple[SeedState, Totals]:
        running = state.record.solved_at < 0
        step = jnp.where(running, jnp.minimum(until, last), state.step)
        count = step - state.step
        total = jnp.where(bad, jnp.nan, (state.step + step - 1) * count / 2.0)
        solved_at = jnp.where((step == last) & running, step * BATCH, state.record.solved_at)
        state = state._replace(step=step, record=state.record._replace(solved_at=solved_at))
        return state, Totals(count, total, 2 * total, 0.5 * count)

    def evaluate(state: SeedState) -> tuple[SeedState, Scores]:
        met = (state.step >= solving_test) & (state.record.solved_at < 0)
        solved_at = jnp.where(met, state.step * BATCH, state.record.solved_at)
        error = state.step / 100.0
        record = state.record._replace(solved_at=solved_at)
        return state._replace(record=record), Scores(2 * error, error, 0 * error)

    return Program(jax.jit(start), jax.jit(run_steps), jax.jit(evaluate))


def session(program: Program, **changes: Any) -> Session:
    """A session of 26 steps, ten a call."""
    defaults = {"batch_size": BATCH, "max_sequences": 26 * BATCH + 3, "log_every": 10}
    began = Session(program, TrainSettings(**defaults | changes))
    began.start()
    return began


def advance_to_the_end(session: Session) -> Iterator[dict[str, Any]]:
    while not session.finished:
        yield session.advance()


def test_the_last_call_is_as_long_as_what_is_left() -> None:
    lines = list(advance_to_the_end(session(scripted([NEVER, NEVER]), seeds=2)))
    assert [line["step"] for line in lines] == [10, 20, 26]
    assert [line["sequences"] for line in lines] == [40, 80, 104]


def test_a_line_tells_the_means_of_its_call() -> None:
    lines = list(advance_to_the_end(session(scripted([NEVER, NEVER]), seeds=2)))
    assert [line["loss"] for line in lines] == [[4.5] * 2, [14.5] * 2, [22.5] * 2]
    assert [line["error"] for line in lines] == [[9.0] * 2, [29.0] * 2, [45.0] * 2]
    assert [line["correct"] for line in lines] == [[0.5] * 2] * 3
    assert [line["solved"] for line in lines] == [[False] * 2] * 3
    for line, later in itertools.pairwise(lines):
        assert 0 < line["seconds"] < later["seconds"]
        assert line["sequences_per_second"] > 0


def test_a_seed_that_made_no_step_has_no_number() -> None:
    lines = list(advance_to_the_end(session(scripted([NEVER, 4, 20]), seeds=3)))
    assert [line["loss"] for line in lines] == [
        [4.5, 1.5, 4.5],
        [14.5, None, 14.5],
        [22.5, None, None],
    ]
    assert [line["solved"] for line in lines] == [[False, True, False], *[[False, True, True]] * 2]


def test_a_run_ends_when_all_seeds_have_solved_their_task() -> None:
    run = session(scripted([3, 12]), seeds=2)
    assert [line["step"] for line in advance_to_the_end(run)] == [10, 20]
    summary = run.summary("completed")
    assert summary["solved"] == [True, True]
    assert summary["sequences_to_solve"] == [12, 48]
    assert summary["sequences_seen"] == [12, 48]
    assert summary["final"]["train_loss"] == [1.0, 10.5]  # means of the last steps each made


def test_test_scores_come_every_so_often_and_at_the_end() -> None:
    run = session(scripted([NEVER]), evaluate_every=20)
    lines = list(advance_to_the_end(run))
    assert [line.get("test_error") for line in lines] == [None, [pytest.approx(0.2)], None]
    run.evaluate()
    final = run.summary("completed")["final"]
    assert (final["test_error"], final["test_loss"]) == (
        [pytest.approx(0.26)],
        [pytest.approx(0.52)],
    )


def test_a_test_score_can_solve_the_task() -> None:
    run = session(scripted([NEVER], solving_test=10), evaluate_every=10)
    lines = list(advance_to_the_end(run))
    assert [line["solved"] for line in lines] == [[True]]
    assert run.summary("completed")["sequences_to_solve"] == [40]


def test_the_test_at_the_end_counts_too() -> None:
    run = session(scripted([NEVER], solving_test=26))
    assert not any(line["solved"][0] for line in advance_to_the_end(run))
    run.evaluate()
    assert run.solved == [True]
    assert run.summary("completed")["sequences_to_solve"] == [104]


@pytest.mark.parametrize(
    "stops, spoilt, diverged",
    [
        ([NEVER, NEVER], (), False),
        ([NEVER, NEVER], (1,), False),
        ([NEVER, NEVER], (0, 1), True),
        ([5, 5], (), False),
        ([5, NEVER], (1,), True),
    ],
)
def test_a_run_has_diverged_when_no_seed_left_has_a_finite_loss(
    stops: list[int], spoilt: tuple[int, ...], diverged: bool
) -> None:
    run = session(scripted(stops, spoilt), seeds=2)
    run.advance()
    assert run.diverged == diverged


def test_before_the_first_call_a_summary_tells_what_is_known() -> None:
    settings = TrainSettings(batch_size=4, max_sequences=40, log_every=5, seeds=2, first_seed=7)
    summary = Session(scripted([NEVER, NEVER]), settings).summary("running")
    assert (summary["status"], summary["seeds"], summary["solved"]) == (
        "running",
        [7, 8],
        [False] * 2,
    )
    assert (summary["sequences_to_solve"], summary["sequences_seen"]) == ([None] * 2, [0, 0])
    assert np.isnan(summary["final"]["train_loss"]).all()
    assert summary["final"]["test_error"] is None
    assert 0 < summary["compile_seconds"] < summary["wall_seconds"]


def test_a_run_compiles_each_function_once() -> None:
    """Whatever the number of calls and their lengths."""
    compiled = []

    def note(event: str, _: float, **details: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(details["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        run = session(scripted([NEVER, 14]), seeds=2, evaluate_every=10)
        assert len(list(advance_to_the_end(run))) == 3
        run.evaluate()
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
    functions = ("jit(start)", "jit(run_steps)", "jit(evaluate)")
    assert {name: compiled.count(name) for name in functions} == dict.fromkeys(functions, 1)
    summary = run.summary("completed")
    assert 0 < summary["compile_seconds"] < summary["wall_seconds"]


def test_seeds_are_those_of_the_settings() -> None:
    run = session(scripted([NEVER] * 3), seeds=3, first_seed=5)
    assert run.states.params["w"].tolist() == [5.0, 6.0, 7.0]
