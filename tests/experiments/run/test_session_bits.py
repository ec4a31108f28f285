"""The bits of a run are the same in calls of any length, and wherever it went on."""

import json
import random
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from experiments.config import Experiment
from experiments.run.session import Session
from tests.experiments.run.scripted import scripted_build
from tests.experiments.run.sessions import advance_to_the_end, changed, lasting, lines_of, session

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
