import functools

import jax
import pytest

from experiments.bench import layers, ours, timing
from experiments.bench.layers import Result, run
from experiments.bench.problem import Shape, WrongAnswer
from experiments.bench.timing import Timing
from lstm_jax.executors import EXECUTORS

SMALL = Shape(B=2, T=5, I=2, H=3)
COMPILING = {"fused": Timing((2.0,)), "scan": Timing((1.0,))}


@pytest.fixture(scope="module")
def result() -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "SIDE", {"cpu": 64})
        patch.setattr(layers, "ours", functools.partial(ours.ours, executor="scan"))
        patch.setattr(timing, "ENOUGH", 0.0)
        patch.setattr(ours, "EXECUTORS", {"scan": EXECUTORS["scan"]})
        patch.setattr(layers, "compile_times", lambda problem: COMPILING)
        return run(SMALL, ["linen"], rounds=3, executors=True)


def test_ours_stands_first_on_all_devices(result: Result) -> None:
    assert [(row.peer, row.runs_on) for row in result.rows] == [
        ("lstm_jax", "2 devices"),
        ("lstm_jax", "1 device"),
        ("linen", "1 device"),
        ("linen", "2 devices"),
    ]
    assert [row.name for row in result.executors] == ["lstm_jax scan"]


def test_every_row_is_checked_and_timed(result: Result) -> None:
    for row in [*result.rows, *result.executors]:
        assert row.distances.keys() == row.timings.keys() == {"forward", "gradient"}
        assert max(row.distances.values()) < 1e-5
        assert all(len(timing.seconds) == 3 for timing in row.timings.values())
        assert min(row.compile_seconds.values()) > 0
    assert result.flops_per_second > 0
    assert result.compiling is COMPILING
    assert (result.shape, result.devices) == (SMALL, len(jax.devices()))


def test_no_entry_is_timed_that_computes_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*_: object) -> None:
        raise AssertionError("timed")

    monkeypatch.setattr(layers, "compile_times", lambda problem: COMPILING)
    monkeypatch.setattr(layers, "ours", functools.partial(ours.ours, executor="scan"))
    monkeypatch.setattr(layers, "measure", measure)
    monkeypatch.setattr(layers, "TOLERANCES", {"cpu": 1e-12})
    with pytest.raises(WrongAnswer, match=r"lstm_jax \w+ on 2 devices at B=2 T=5 I=2 H=3: .*away"):
        run(SMALL, [], rounds=1)
