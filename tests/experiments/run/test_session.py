"""The members of a run between compiled calls, with a program whose course is written down."""

import itertools
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from experiments.run.session import Session
from lstm_jax.training import SeedState
from tests.experiments.run.scripted import scripted_build
from tests.experiments.run.sessions import advance_to_the_end, changed, lines_of, session


def test_the_last_call_is_as_long_as_what_is_left() -> None:
    lines = lines_of(session())
    assert [line["step"] for line in lines] == [10, 20, 26]
    assert [line["sequences"] for line in lines] == [40, 80, 104]


def test_a_line_tells_the_means_of_its_steps() -> None:
    lines = lines_of(session())
    assert [line["loss"] for line in lines] == [[4.5] * 2, [14.5] * 2, [22.5] * 2]
    assert [line["error"] for line in lines] == [[9.0] * 2, [29.0] * 2, [45.0] * 2]
    assert [line["solved"] for line in lines] == [[False] * 2] * 3
    for line, steps in zip(lines, (range(10), range(10, 20), range(20, 26)), strict=True):
        expected = [np.mean([1.0 / (step + seed + 2) for step in steps]) for seed in range(2)]
        assert line["correct"] == pytest.approx(expected, rel=1e-6)


def test_a_line_holds_only_what_can_be_repeated() -> None:
    keys = {"step", "sequences", "loss", "error", "correct", "solved"}
    assert all(line.keys() == keys for line in lines_of(session()))


def test_a_timing_goes_with_each_line() -> None:
    timings = [line.timing for line in advance_to_the_end(session())]
    assert [timing["step"] for timing in timings] == [10, 20, 26]
    for timing, later in itertools.pairwise(timings):
        assert 0 < timing["seconds"] < later["seconds"]
        taken = later["seconds"] - timing["seconds"]
        steps = later["step"] - timing["step"]
        assert later["sequences_per_second"] == pytest.approx(2 * 4 * steps / taken, rel=0.05)


def test_a_seed_that_made_no_step_has_no_number() -> None:
    lines = lines_of(session(changed(seeds=3), solves={1: 4, 2: 20}))
    assert [line["loss"] for line in lines] == [
        [4.5, 1.5, 4.5],
        [14.5, None, 14.5],
        [22.5, None, None],
    ]
    assert [line["solved"] for line in lines] == [[False, True, False], *[[False, True, True]] * 2]


def test_a_run_ends_when_all_seeds_have_solved_their_task() -> None:
    run = session(solves={0: 3, 1: 12})
    assert [line["step"] for line in lines_of(run)] == [10, 20]
    assert not run.diverged
    summary = run.summary("completed")
    assert summary["solved"] == [True, True]
    assert summary["sequences_to_solve"] == [12, 48]
    assert summary["sequences_seen"] == [12, 48]
    assert summary["final"]["train_loss"] == [1.0, 10.5]  # means of the last steps each made


def test_test_scores_come_every_so_often_and_at_the_end() -> None:
    run = session(changed(seeds=1, evaluate_every=20))
    assert [line.get("test_error") for line in lines_of(run)] == [None, [pytest.approx(0.2)], None]
    run.evaluate()
    final = run.summary("completed")["final"]
    assert (final["test_error"], final["test_loss"]) == (
        [pytest.approx(0.26)],
        [pytest.approx(0.52)],
    )


def test_a_member_that_has_learnt_nothing_since_is_not_scored_again() -> None:
    run = session(changed(seeds=3, evaluate_every=10), solves={1: 4, 2: 15})
    evaluate, asked_for = run._program.evaluate, []

    def noted(states: SeedState, asked: np.ndarray) -> Any:
        asked_for.append(states.member.place[asked].tolist())
        return evaluate(states, asked)

    with mock.patch.object(run, "_evaluate", noted):
        lines = lines_of(run)
        run.evaluate()
        run.evaluate()
    errors = [line["test_error"] for line in lines if "test_error" in line]
    assert errors == pytest.approx(np.array([[0.1, 0.04, 0.1], [0.2, 0.04, 0.15]]))
    final = run.summary("completed")["final"]
    assert final["test_error"] == pytest.approx([0.26, 0.04, 0.15])
    assert asked_for == [[0, 1, 2], [0, 2], [0]]


def test_gates_are_told_of_every_so_often_and_of_members_that_have_ended() -> None:
    run = session(changed(seeds=2, first_seed=5), diagnose_every=10, solves={0: 3})
    assert [line.get("their seed") for line in lines_of(run)] == [[5, 6], [5, 6], None]
    assert run.diagnose() == {"their seed": [5.0, 6.0], "made": [3.0, None]}


def test_a_test_score_can_solve_the_task() -> None:
    run = session(changed(seeds=1, evaluate_every=10), solving_test=10)
    assert [line["solved"] for line in lines_of(run)] == [[True]]
    assert run.summary("completed")["sequences_to_solve"] == [40]


def test_the_test_at_the_end_counts_too() -> None:
    run = session(changed(seeds=1), solving_test=26)
    assert not any(line["solved"][0] for line in lines_of(run))
    run.evaluate()
    assert run.solved == [True]
    assert run.summary("completed")["sequences_to_solve"] == [104]


@pytest.mark.parametrize(
    "solves, bad, diverged",
    [
        ({}, [], False),
        ({}, [(1, 3)], False),
        ({}, [(0, 3), (1, 0)], True),
        ({0: 5, 1: 5}, [], False),
        ({0: 5}, [(1, 2)], False),
    ],
)
def test_a_run_has_diverged_when_every_member_has_failed(
    solves: dict[int, int], bad: list[tuple[int, int]], diverged: bool
) -> None:
    run = session(solves=solves, bad=bad)
    lines_of(run)
    assert run.diverged == diverged


def test_a_member_that_fails_is_told_with_its_step_and_what_was_bad_first() -> None:
    run = session(bad=[(1, 13)])
    lines = lines_of(run)
    assert run.failed == [None, {"step": 13, "first_bad": "the gradient of w", "bad_in_a_row": 1}]
    assert [line["loss"] for line in lines] == [[4.5, 4.5], [14.5, 11.0], [22.5, None]]
    summary = run.summary("completed")
    assert summary["failed"] == run.failed
    assert summary["bad_steps"] == [0, 1]
    assert summary["sequences_seen"] == [104, 52]
    assert summary["final"]["train_loss"] == [22.5, 11.0]


def test_bad_steps_that_are_skipped_are_counted_in_every_line() -> None:
    run = session(changed(on_nonfinite="skip"), bad=[(0, 2), (0, 3), (0, 14)])
    lines = lines_of(run)
    assert [line["bad_steps"] for line in lines] == [[2, 0], [3, 0], [3, 0]]
    assert lines[0]["loss"] == [(45 - 5) / 8, 4.5]
    assert run.failed == [None, None]


def test_before_the_first_call_a_summary_tells_what_is_known() -> None:
    experiment = changed(first_seed=7)
    summary = Session(scripted_build(experiment), experiment.train).summary("running")
    assert (summary["status"], summary["seeds"]) == ("running", [7, 8])
    assert (summary["step"], summary["failed"]) == (0, [None] * 2)
    assert summary["solved"] == [False] * 2
    assert (summary["sequences_to_solve"], summary["sequences_seen"]) == ([None] * 2, [0, 0])
    assert np.isnan(summary["final"]["train_loss"]).all()
    assert summary["final"]["test_error"] is None
    assert 0 < summary["times"]["compile_seconds"] < summary["times"]["wall_seconds"]


def test_seeds_are_those_of_the_settings() -> None:
    run = session(changed(seeds=3, first_seed=5))
    assert run.states.learnt.params["w"].tolist() == [5.0, 6.0, 7.0]
    params = [run.params(member)["w"] for member in range(3)]
    assert params == [5.0, 6.0, 7.0]
    assert all(isinstance(each, jax.Array) for each in params)
