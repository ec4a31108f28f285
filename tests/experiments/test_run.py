"""What a run leaves behind however it ends, with a session whose course is written down."""

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from experiments import run as run_module
from experiments.config import Experiment, ModelSettings, load
from experiments.run import BadInput, run
from experiments.session import Session
from lstm_jax import LSTM
from lstm_jax.executors import EXECUTORS, Executor, Request
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, TrainSettings

EXPERIMENT = Experiment(
    Adding("bai2018", 20),
    ModelSettings(LSTM(2)),
    SGD(0.1),
    TrainSettings(batch_size=4, max_sequences=40, log_every=2, seeds=2),
    title="Adding, 20 steps",
)


def line(number: int, loss: float = 0.5) -> dict[str, Any]:
    means = {"loss": [loss, loss], "error": [0.4, 0.3], "correct": [0.0, 0.25]}
    step = {"step": 2 * number, "sequences": 8 * number}
    rest = {"solved": [False, False], "sequences_per_second": 100.0, "seconds": 1.0 * number}
    return step | means | rest


Script = list[dict[str, Any] | type[BaseException]]


class Scripted(Session):
    """Tells the lines of a script one by one; an exception in it is raised."""

    script: Script
    at_calls: list[Callable[[], None]]

    def start(self) -> None:
        self._lines: Iterator = iter(self.script)

    @property
    def finished(self) -> bool:
        return self._step == len(self.script)

    def advance(self) -> dict[str, Any]:
        for look in self.at_calls:
            look()
        self._step += 1
        told = next(self._lines)
        if not isinstance(told, dict):
            raise told("out of the blue")
        for key in self._train:
            self._train[key][:] = told[key]
        return told

    def evaluate(self) -> dict[str, list[float]]:
        self._test = {f"test_{key}": [0.3, 0.2] for key in self._train}
        return self._test


Play = Callable[..., str]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    """Runs a script into the folder `tmp_path / "run"`; returns the status."""

    def play(script: Script, *at_calls: Callable[[], None], **changes: Any) -> str:
        monkeypatch.setattr(Scripted, "script", script, raising=False)
        monkeypatch.setattr(Scripted, "at_calls", list(at_calls), raising=False)
        monkeypatch.setattr(run_module, "Session", Scripted)
        console = Console(file=changes.pop("file", io.StringIO()), width=200)
        return run(changes.pop("experiment", EXPERIMENT), tmp_path / "run", console)

    return play


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run" / "summary.json").read_text())


def metrics(folder: Path) -> list[dict[str, Any]]:
    return list(map(json.loads, (folder / "run" / "metrics.jsonl").read_text().splitlines()))


def test_a_completed_run(play: Play, tmp_path: Path) -> None:
    assert play([line(1), line(2)]) == "completed"
    assert metrics(tmp_path) == [line(1), line(2)]
    told = summary(tmp_path)
    assert told["status"] == "completed"
    assert told["final"]["test_error"] == [0.3, 0.2]
    assert (told["error"], told["threshold"]) == ("mean absolute error", 0.01)
    assert told["chance"] == EXPERIMENT.task.chance
    assert told["parameters"] == 3 + 8 * (2 + 2 + 1)  # readout, and gates of inputs, state and bias
    assert set(told["devices"]) == {"seeds", "data"}
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        *("config.yaml", "environment.json", "metrics.jsonl", "summary.json", "curves.png")
    }


def test_the_config_is_that_of_the_run(play: Play, tmp_path: Path) -> None:
    play([line(1)])
    assert load(tmp_path / "run" / "config.yaml") == EXPERIMENT


def test_a_run_can_be_read_while_it_goes_on(play: Play, tmp_path: Path) -> None:
    seen = []

    def look() -> None:
        seen.append((summary(tmp_path)["status"], len(metrics(tmp_path))))

    play([line(1), line(2), line(3)], look)
    assert seen == [("running", 0), ("running", 1), ("running", 2)]


@pytest.mark.parametrize("calls", [0, 2])
def test_an_interrupted_run_can_be_read(play: Play, tmp_path: Path, calls: int) -> None:
    script = [*map(line, range(1, calls + 1)), KeyboardInterrupt, line(9)]
    try:
        status = play(script)
    except KeyboardInterrupt:  # which would end pytest itself
        pytest.fail("the interrupt is passed on")
    assert status == "interrupted"
    assert len(metrics(tmp_path)) == calls
    assert summary(tmp_path)["status"] == "interrupted"
    assert summary(tmp_path)["final"]["test_error"] is None
    assert (tmp_path / "run" / "curves.png").stat().st_size > 0


def test_a_diverged_run_stops_at_once_and_holds_no_nan(play: Play, tmp_path: Path) -> None:
    assert play([line(1), line(2, loss=float("nan")), line(3)]) == "diverged"
    assert len(metrics(tmp_path)) == 2
    assert metrics(tmp_path)[-1]["loss"] == [None, None]
    told = summary(tmp_path)
    assert (told["status"], told["final"]["train_loss"]) == ("diverged", [None, None])
    assert told["final"]["train_error"] == [0.4, 0.3]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, SystemExit])
def test_an_unexpected_end_is_told_and_passed_on(
    play: Play, tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error, match="out of the blue"):
        play([line(1), error])
    assert summary(tmp_path)["status"] == "failed"
    assert len(metrics(tmp_path)) == 1


def test_a_directory_in_use_is_refused_before_anything_is_trained(
    play: Play, tmp_path: Path
) -> None:
    play([line(1)])
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(BadInput, match="exists and is not an empty folder"):
        play([RuntimeError])
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@dataclasses.dataclass(frozen=True)
class Unmapped(Executor):
    """Cannot be mapped over seeds."""

    def unsupported(self, request: Request) -> None:
        return None

    def run(self, *call: Any) -> Any:
        raise NotImplementedError("it has no vmap")


def test_what_an_executor_has_not_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXECUTORS, "scan", Unmapped())
    asked = dataclasses.replace(EXPERIMENT, model=ModelSettings(LSTM(2), executor="scan"))
    with pytest.raises(BadInput, match="it has no vmap"):
        run(asked, tmp_path / "run", Console(file=io.StringIO()))
    assert not (tmp_path / "run").exists()


def test_the_terminal_tells_the_title_the_course_and_the_end(play: Play, tmp_path: Path) -> None:
    screen = io.StringIO()
    play([line(1)], file=screen)
    first, course, *end = screen.getvalue().splitlines()
    assert first.startswith("Adding, 20 steps: 2 seeds of 43 parameters on ")
    assert course.startswith("8 seq  loss 0.5  error 0.35  solved 0/2")
    assert end[0] == "solved: 0 of 2 seeds"
    assert end[-1] == f"picture: {tmp_path / 'run' / 'curves.png'}"


@pytest.mark.parametrize("title", ["a [b] c", "a [/b] c"])
def test_a_title_is_shown_as_written(play: Play, title: str) -> None:
    screen = io.StringIO()
    play([line(1)], file=screen, experiment=dataclasses.replace(EXPERIMENT, title=title))
    assert screen.getvalue().startswith(title)
