"""The members of a run between compiled calls, with a program whose course is written down."""

import contextlib
import dataclasses
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from experiments.build import build
from experiments.config import Experiment, ModelSettings
from experiments.config.schema import Variant
from experiments.config.variants import Keys
from experiments.run.session import Line, Session
from experiments.run.signals import Stopped
from lstm_jax import LSTM
from lstm_jax.initializers import ForgetBias
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, Adam, TrainSettings
from tests.experiments.run.scripted import EXPERIMENT, scripted_build

Lines = list[dict[str, Any]]


def changed(**changes: Any) -> Experiment:
    """A run of 26 steps, a line every ten, with other settings of `train`."""
    return dataclasses.replace(EXPERIMENT, train=dataclasses.replace(EXPERIMENT.train, **changes))


def session(
    experiment: Experiment = EXPERIMENT, diagnose_every: int | None = None, **script: Any
) -> Session:
    parts = scripted_build(experiment, **script)
    begun = Session(parts, experiment.train, diagnose_every=diagnose_every)
    begun.start()
    return begun


def advance_to_the_end(session: Session) -> Iterator[Line]:
    while not session.finished:
        line = session.advance()
        if line is not None:
            yield line


def lines_of(session: Session) -> Lines:
    return [line.metrics for line in advance_to_the_end(session)]


def lasting(summary: dict[str, Any]) -> dict[str, Any]:
    """What a summary says but for the times."""
    return {key: value for key, value in summary.items() if key != "times"}


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


@contextlib.contextmanager
def compiled() -> Iterator[list[str]]:
    """The names of what is compiled meanwhile."""
    names: list[str] = []

    def note(event: str, _: float, **details: Any) -> None:
        if event.endswith("backend_compile_duration"):
            names.append(details["fun_name"].removeprefix("jit(").removesuffix(")"))

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def test_a_run_compiles_each_function_once() -> None:
    """Whatever the number of calls and their lengths."""
    with compiled() as names:
        run = session(changed(evaluate_every=10), solves={1: 14})
        assert len(lines_of(run)) == 3
        run.evaluate()
    functions = ("start", "run_steps", "evaluate")
    assert {name: names.count(name) for name in functions} == dict.fromkeys(functions, 1)
    times = run.summary("completed")["times"]
    assert 0 < times["compile_seconds"] < times["wall_seconds"]
    assert 0 < times["seconds_to_first_step"] < times["wall_seconds"]


def test_a_signal_does_not_wait_for_the_compiler() -> None:
    run = Session(scripted_build(), EXPERIMENT.train)
    goes_on = threading.Event()
    run._traced = mock.Mock(**{"compile.side_effect": lambda: goes_on.wait(20)})
    run._program = run._program._replace(start=mock.Mock(**{"lower.side_effect": Stopped}))
    began = time.monotonic()
    with pytest.raises(Stopped):
        run.start()
    assert time.monotonic() - began < 5
    goes_on.set()


# ---------------------------------------------------------------- the same bits in any calls

COURSES = {
    "to the end": {},
    "solved": {"solves": {0: 3, 1: 12, 4: 26}},
    "failed": {"bad": [(0, 0), (3, 17)], "solves": {1: 17}},
    "packed": {"width": 2, "solves": {0: 4, 2: 5, 3: 14}},
    "solved by a test": {"solving_test": 20},
}
MANY = changed(seeds=5, evaluate_every=10)
SKIPPING = changed(seeds=5, evaluate_every=10, on_nonfinite="skip")


@pytest.mark.parametrize("experiment", [MANY, SKIPPING], ids=["stop", "skip"])
@pytest.mark.parametrize("course", COURSES)
def test_lines_do_not_depend_on_the_steps_of_a_call(course: str, experiment: Experiment) -> None:
    parts, rng = scripted_build(experiment, **COURSES[course]), random.Random(course)
    found = []
    for paces in ([1], [3], [10], range(1, 11)):
        run = Session(parts, experiment.train)
        run.start()

        def pace(_: float, run: Session = run, paces: Any = paces) -> None:
            run._steps_a_call = rng.choice(paces)

        with mock.patch.object(run, "_pace", pace):
            lines = lines_of(run)
        run.evaluate()
        found.append(json.dumps([lines, lasting(run.summary("completed"))]))
    assert found == found[:1] * 4


def test_members_that_still_run_are_packed_together_after_a_line() -> None:
    run = session(MANY, **COURSES["packed"])
    next(advance_to_the_end(run))
    assert set(run.states.member.place.tolist()[:4]) >= {1, 3, 4}
    assert [run.params(member)["w"] > member for member in range(5)] == [True] * 5
    assert run.summary("running")["sequences_seen"] == [16, 40, 20, 40, 40]


def test_the_steps_of_a_call_grow_while_calls_are_short_and_shrink_when_they_are_long() -> None:
    run = session(changed(max_sequences=400))
    grown = []
    for seconds in (0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 1.1, 1.1, 1.1, 1.1):
        run._pace(seconds)
        grown.append(run._steps_a_call)
    assert grown == [2, 4, 8, 10, 10, 10, 5, 2, 1, 1]


@pytest.mark.parametrize("experiment", [MANY, SKIPPING], ids=["stop", "skip"])
@pytest.mark.parametrize("course", COURSES)
def test_a_run_goes_on_anywhere_as_if_it_had_not_stopped(
    course: str, experiment: Experiment
) -> None:
    """Through JSON and host copies of the states, after every call."""
    parts = scripted_build(experiment, **COURSES[course])

    def begun() -> Session:
        run = Session(parts, experiment.train)
        run._steps_a_call = 3
        return run

    kept: list[tuple[int, str, Any]] = []
    straight, lines = begun(), []
    straight.start()
    with mock.patch.object(Session, "_pace"):
        while not straight.finished:
            states = jax.tree.map(np.array, straight.saved())
            kept.append((len(lines), json.dumps(straight.progress(), allow_nan=False), states))
            line = straight.advance()
            lines += [line.metrics] if line else []
        straight.evaluate()
        summary = lasting(straight.summary("completed"))
        assert len(kept) >= 4
        for told, progress, states in kept[:: max(1, len(kept) // 4)]:
            run = begun()
            run.resume(json.loads(progress))
            again, before = run.progress(), json.loads(progress)
            for key in ("seconds", "compile_seconds"):
                assert again.pop(key) >= before.pop(key)
            assert again == before
            here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
            run.start(jax.device_put(states, here))
            assert lines_of(run) == lines[told:]
            run.evaluate()
            assert json.dumps(lasting(run.summary("completed"))) == json.dumps(summary)


def test_what_goes_on_compiles_the_step_once_and_no_start() -> None:
    first = session()
    first.advance()
    with compiled() as names:
        run = Session(scripted_build(), EXPERIMENT.train)
        run.resume(first.progress())
        run.start(first.saved())
        lines_of(run)
    assert names.count("run_steps") == 1
    assert "start" not in names


def test_time_goes_on_where_it_was() -> None:
    run = Session(scripted_build(), EXPERIMENT.train)
    progress = run.progress() | {"seconds": 1000.0, "compile_seconds": 100.0}
    run.resume(progress)
    run.start()
    times = run.summary("running")["times"]
    assert 1000 < times["wall_seconds"] < 1060
    assert 100 < times["compile_seconds"] < 160
    assert next(advance_to_the_end(run)).timing["seconds"] > 1000


# ------------------------------------------------------------------- the real program


def test_what_a_variant_learns_is_what_it_learns_alone() -> None:
    """Learning rates, biases and seeds side by side in one compiled program, bit by bit."""
    train = dataclasses.replace(EXPERIMENT.train, max_sequences=40, log_every=5)
    small = dataclasses.replace(EXPERIMENT, train=train)
    single = [
        dataclasses.replace(small, optimizer=SGD(0.3)),
        dataclasses.replace(small, model=ModelSettings(LSTM(2, bias=ForgetBias(3.0)))),
        dataclasses.replace(small, train=dataclasses.replace(train, first_seed=1)),
    ]
    together = dataclasses.replace(
        small, variants=tuple(Variant(Keys({"n": n}), each) for n, each in enumerate(single))
    )

    def lines(experiment: Experiment) -> Lines:
        parts = build(experiment)
        run = Session(parts, experiment.train)
        run.start()
        found = lines_of(run)
        count = len(parts.labels)
        leaves = [
            [leaf.tolist() for leaf in jax.tree.leaves(run.params(member))]
            for member in range(count)
        ]
        return [*found, {"params": leaves}]

    apart = [lines(each) for each in single]
    for found, *alone in zip(lines(together), *apart, strict=True):
        for key in found.keys() & {"loss", "error", "correct", "params"}:
            assert found[key] == [value for each in alone for value in each[key]]
    assert len({json.dumps(each[-1]) for each in apart}) == 3


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("before, now", [(2, 1), (1, 2)])
def test_goes_on_over_other_devices_to_the_same_bits(seeds: int, before: int, now: int) -> None:
    train = TrainSettings(batch_size=2, max_sequences=12, log_every=3, seeds=seeds, side_by_side=1)
    tried = Experiment(Adding("bai2018", 20), ModelSettings(LSTM(2)), Adam(0.01), train)

    def begun(devices: int, earlier: Session | None = None) -> Session:
        run = Session(build(tried, jax.devices()[:devices]), train)
        if earlier is None:
            run.start()
            return run
        run.resume(json.loads(json.dumps(earlier.progress())))
        held = jax.device_get(earlier.saved())
        run.start(jax.tree.map(lambda a, like: jax.device_put(a, like.sharding), held, run.like))
        return run

    def ended(run: Session) -> Any:
        while not run.finished:
            run.advance()
        return jax.device_get(run.saved())

    first = begun(before)
    first.advance()
    jax.tree.map(np.testing.assert_array_equal, ended(begun(now, first)), ended(begun(before)))
