"""Runs that a signal ends, at any time."""

import io
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experiments.run import curves
from experiments.run import run as run_module
from experiments.run.session import Session
from experiments.run.signals import Stopped
from tests.experiments.run.endings import lasting, metrics, raising, signalling, summary
from tests.experiments.run.scripted import BATCH, play


@pytest.mark.parametrize(
    "number, status", [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
@pytest.mark.parametrize("step", [0, 13])
def test_a_run_that_a_signal_ended_can_be_read_and_gone_on_with(
    tmp_path: Path, step: int, number: int, status: str
) -> None:
    screen, there = io.StringIO(), tmp_path / "run"
    assert play(there, at_call=signalling(number, step), screen=screen) == status
    said = f"{status} at step {step + 1}: the same with --resume --out {there} goes on"
    assert said in screen.getvalue()
    assert len(metrics(there)) == (step + 1) // 10
    told = summary(there)
    assert (told["status"], told["step"]) == (status, step + 1)
    assert told["final"]["test_error"] is None
    assert told["sequences_seen"] == [BATCH * (step + 1)] * 2

    assert play(there, resume=True) == "completed"
    play(tmp_path / "straight")
    assert lasting(there) == lasting(tmp_path / "straight")
    for name in ("metrics.jsonl", "config.yaml"):
        assert (there / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert [each["step"] for each in summary(there)["resumes"]] == [step + 1]


def test_an_interrupted_run_has_its_picture(tmp_path: Path) -> None:
    play(tmp_path / "run", at_call=signalling(signal.SIGINT, 0), picture=True)
    assert (tmp_path / "run" / "curves.png").stat().st_size > 0


def test_signals_are_as_before_when_a_run_has_ended(tmp_path: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    play(tmp_path / "run", at_call=signalling(signal.SIGTERM, 3, 4))
    assert [signal.getsignal(number) for number in numbers] == before


def sends(number: int) -> Callable[..., Any]:
    def act(*_: Any, **__: Any) -> None:
        signal.raise_signal(number)

    return act


def test_a_signal_before_training_ends_the_run_where_it_is(tmp_path: Path) -> None:
    with mock.patch.object(Session, "start", sends(signal.SIGTERM)):
        assert play(tmp_path / "run") == "terminated"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"lock"}
    assert play(tmp_path / "run", resume=True) == "completed"


def test_a_signal_during_the_last_test_ends_a_run_that_only_lacks_it(tmp_path: Path) -> None:
    with mock.patch.object(Session, "evaluate", sends(signal.SIGTERM)):
        assert play(tmp_path / "run") == "terminated"
    assert summary(tmp_path / "run")["status"] == "terminated"
    assert len(metrics(tmp_path / "run")) == 3
    assert play(tmp_path / "run", resume=True, at_call=raising(26, RuntimeError)) == "completed"
    play(tmp_path / "straight")
    assert lasting(tmp_path / "run") == lasting(tmp_path / "straight")


def test_a_signal_after_the_last_test_does_not_keep_the_run_from_its_end(tmp_path: Path) -> None:
    draw = curves.plot_curves

    def draw_late(there: Path) -> Path:
        signal.raise_signal(signal.SIGTERM)
        return draw(there)

    with mock.patch("tests.experiments.run.scripted.plot_curves", draw_late):
        assert play(tmp_path / "run", picture=True) == "completed"
    assert summary(tmp_path / "run")["status"] == "completed"
    assert (tmp_path / "run" / "curves.png").exists()


def test_a_signal_at_any_other_time_is_no_fault(tmp_path: Path) -> None:
    with mock.patch.object(run_module, "_run", side_effect=Stopped("terminated")):
        assert play(tmp_path / "run") == "terminated"
