import jax
import pytest

from experiments.bench import ours as ours_module
from experiments.bench.ours import by_executor, chosen, compile_times, ours
from experiments.bench.problem import Problem, Shape, draw
from lstm_jax import choose_executor
from lstm_jax.executors import EXECUTORS, Request


@pytest.fixture(scope="module")
def problem() -> Problem:
    return draw(Shape(B=2, T=5, I=2, H=3))


def test_the_name_tells_the_executor(problem: Problem) -> None:
    assert chosen(problem) == choose_executor(problem.cell).name
    assert ours(problem).name == f"lstm_jax {chosen(problem)}"
    assert ours(problem, "fused").name == "lstm_jax fused"


def test_every_executor_runs_or_says_why_not(problem: Problem) -> None:
    entries, refusals = by_executor(problem, jax.devices()[:2])
    assert entries.keys() | refusals.keys() == set(EXECUTORS)
    assert {"scan", "fused", "checkpointed"} <= entries.keys()
    for name, entry in entries.items():
        assert (entry.name, entry.runs_on) == (f"lstm_jax {name}", "2 devices")
        assert max(entry.distances(problem).values()) < 1e-5
    for name, reason in refusals.items():
        assert reason == EXECUTORS[name].unsupported(Request(problem.cell, "cpu"))


def test_compile_times_are_of_fused_and_scan(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours_module, "COMPILE_ROUNDS", 1)
    found = compile_times(problem)
    assert found.keys() == {"fused", "scan"}
    for timing in found.values():
        assert len(timing.seconds) == 1
        assert min(timing.seconds) > 0
