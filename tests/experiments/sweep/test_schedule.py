"""Every trial runs to its end: killed ones again, failed ones not, and none after a signal."""

import dataclasses
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.sweep import schedule
from experiments.sweep.engines import Job
from experiments.sweep.schedule import RETRIES, State, is_killed, run_trials
from experiments.sweep.stopping import StopRequests


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "POLL", 0.0)


@dataclasses.dataclass
class Fabricated:
    """An engine whose jobs end with the statuses that are given for them, then with a result."""

    statuses: dict[str, list[int]]
    workers: int = 2
    results: set[str] = dataclasses.field(default_factory=set)
    running: list[Job] = dataclasses.field(default_factory=list)
    begun: Counter = dataclasses.field(default_factory=Counter)
    most: int = 0
    calls: list[str] = dataclasses.field(default_factory=list)
    signal_at: int | None = None
    """The number of jobs begun at which the sweep gets Ctrl-C."""

    def begin(self, job: Job) -> None:
        self.begun[job.name] += 1
        self.running.append(job)
        self.most = max(self.most, len(self.running))
        if self.begun.total() == self.signal_at:
            os.kill(os.getpid(), signal.SIGINT)

    def ended(self) -> list[tuple[Job, int]]:
        if not self.running:
            return []
        job = self.running.pop(0)
        if statuses := self.statuses.get(job.name, []):
            return [(job, statuses.pop(0))]
        self.results.add(job.name)
        return [(job, 0)]

    def stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")

    def close(self) -> None: ...


@pytest.fixture
def signals() -> Iterator[StopRequests]:
    with StopRequests() as signals:
        yield signals


def run(engine: Fabricated, names: str, signals: StopRequests) -> tuple[State, list[State]]:
    jobs = [Job(name, ("true",), Path(name)) for name in names]
    seen: list[State] = []
    return run_trials(jobs, engine, engine.results.__contains__, signals, seen.append), seen


def test_every_job_runs_once_and_no_more_at_once_than_workers(signals: StopRequests) -> None:
    engine = Fabricated({}, workers=3)
    state, seen = run(engine, "abcdefg", signals)
    assert sorted(state.done) == list("abcdefg")
    assert set(engine.begun.values()) == {1}
    assert engine.most == 3
    assert all(len(each.running) <= 3 for each in seen)
    assert (state.waiting, state.running, state.failed, state.retries) == ([], [], {}, 0)


@pytest.mark.parametrize("status", [-9, -15, -11, 137, 143, 130])
def test_a_job_that_is_killed_runs_again(signals: StopRequests, status: int) -> None:
    engine = Fabricated({"b": [status, status]})
    state, _ = run(engine, "abc", signals)
    assert engine.begun == {"a": 1, "b": 3, "c": 1}
    assert (sorted(state.done), state.failed, state.retries) == (["a", "b", "c"], {}, 2)


def test_a_job_that_is_always_killed_is_given_up(signals: StopRequests) -> None:
    engine = Fabricated({"b": [-9] * 100})
    state, _ = run(engine, "abc", signals)
    assert engine.begun["b"] == RETRIES + 1 == 4
    assert sorted(state.done) == ["a", "c"]
    assert state.failed == {"b": "was killed 4 times"}
    assert state.retries == 3


def test_a_job_that_fails_by_itself_does_not_run_again_and_others_go_on(
    signals: StopRequests,
) -> None:
    engine = Fabricated({"a": [1], "b": [2]}, workers=1)
    state, _ = run(engine, "abc", signals)
    assert set(engine.begun.values()) == {1}
    assert state.failed == {"a": "ended with exit status 1", "b": "ended with exit status 2"}
    assert state.done == ["c"]


def test_a_job_without_a_result_has_failed_whatever_its_status(signals: StopRequests) -> None:
    engine = Fabricated({"a": [0]})
    state, _ = run(engine, "a", signals)
    assert state.failed == {"a": "ended with exit status 0"}


def test_a_result_counts_whatever_the_status(signals: StopRequests) -> None:
    engine = Fabricated({"a": [1], "b": [-9]}, results={"a", "b"})
    state, _ = run(engine, "ab", signals)
    assert (sorted(state.done), state.failed) == (["a", "b"], {})


def test_a_signal_lets_no_job_begin_and_asks_the_others_once(signals: StopRequests) -> None:
    engine = Fabricated({"a": [143], "b": [143]}, signal_at=2)
    state, _ = run(engine, "abcd", signals)
    assert engine.begun == {"a": 1, "b": 1}
    assert engine.calls == ["stop"]
    assert (sorted(state.waiting), state.running, state.failed) == (list("abcd"), [], {})
    assert state.retries == 0


def test_a_second_signal_kills(signals: StopRequests) -> None:
    engine = Fabricated({}, signal_at=1)

    def stop() -> None:
        engine.calls.append("stop")
        engine.running += engine.running[:1]  # takes its time to save
        os.kill(os.getpid(), signal.SIGTERM)

    engine.stop = stop  # type: ignore[method-assign]
    engine.ended = lambda: [(engine.running.pop(), -9)] if "kill" in engine.calls else []
    run(engine, "a", signals)
    assert engine.calls == ["stop", "kill"]


def test_nothing_to_do(signals: StopRequests) -> None:
    state, seen = run(Fabricated({}), "", signals)
    assert (state, seen) == (State([], (), (), {}, 0), [])


@pytest.mark.parametrize("status, killed", [(0, False), (1, False), (2, False), (-6, True)])
def test_what_counts_as_killed(status: int, killed: bool) -> None:
    assert is_killed(status) == killed
