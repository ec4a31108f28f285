"""What a session compiles, when, and what it does meanwhile; and its clock."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import pytest

from experiments.run.session import Session
from experiments.run.signals import Stopped
from tests.experiments.run import scripted
from tests.experiments.run.scripted import EXPERIMENT, scripted_build
from tests.experiments.run.sessions import advance_to_the_end, changed, lines_of, session


@pytest.fixture(autouse=True)
def own_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As two processes have; others share those of one script."""
    monkeypatch.setattr(scripted, "_scripted", scripted._scripted.__wrapped__)


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
