"""What a run leaves behind however it ends, and what it says of that."""

import dataclasses
import errno
import io
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from experiments.checkpoint import RunLock
from experiments.config import Experiment, ModelSettings, load
from experiments.run import curves
from experiments.run import run as run_module
from experiments.run.run import BadInput, Failed, run
from experiments.run.session import Session
from experiments.run.signals import Stopped
from lstm_jax import LSTM
from lstm_jax.executors import EXECUTORS, Executor, Request
from lstm_jax.training import SGD, TrainSettings
from tests.experiments.run.scripted import BATCH, EXPERIMENT, play

FILES = {
    *("config.yaml", "environment.json", "metrics.jsonl", "timings.jsonl", "summary.json"),
    *("checkpoints", "lock"),
}
FULL = OSError(errno.ENOSPC, "No space left on device")


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def lasting(folder: Path) -> dict[str, Any]:
    """What a summary says but for what an interruption may change."""
    return {k: v for k, v in summary(folder).items() if k not in ("times", "resumes")}


def metrics(folder: Path) -> list[dict[str, Any]]:
    return list(map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()))


def raising(step: int, error: BaseException | type[BaseException]) -> Callable[[Session], None]:
    """Raises an exception before a step."""

    def at_call(session: Session) -> None:
        if session.step == step:
            raise error

    return at_call


def signalling(number: int, *steps: int) -> Callable[[Session], None]:
    """Sends this process a signal before each of some steps."""

    def at_call(session: Session) -> None:
        if session.step in steps:
            signal.raise_signal(number)

    return at_call


# -------------------------------------------------------------------- a run to its end


def test_a_completed_run(tmp_path: Path) -> None:
    assert play(tmp_path / "run", picture=True) == "completed"
    assert [line["step"] for line in metrics(tmp_path / "run")] == [10, 20, 26]
    told = summary(tmp_path / "run")
    assert (told["status"], told["step"]) == ("completed", 26)
    assert told["final"]["test_error"] == [pytest.approx(0.26)] * 2
    assert (told["error"], told["threshold"]) == ("mean absolute error", 0.01)
    assert told["chance"] == EXPERIMENT.task.chance
    assert told["parameters"] == 3 + 8 * (2 + 2 + 1)  # readout, and gates of inputs, state and bias
    assert set(told["devices"]) == {"seeds", "data"}
    assert (told["members"], told["variants"]) == (["seed_0", "seed_1"], [])
    assert told["resumes"] == []
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES | {"curves.png"}
    assert (tmp_path / "run" / "lock").read_bytes() == b""


def test_the_config_is_that_of_the_run(tmp_path: Path) -> None:
    play(tmp_path / "run")
    assert load(tmp_path / "run" / "config.yaml") == EXPERIMENT


def test_metrics_are_the_same_bytes_in_every_run(tmp_path: Path) -> None:
    for name in "ab":
        play(tmp_path / name, bad=[(1, 13)])
    files = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in "ab"]
    assert files[0] == files[1] != b""
    assert lasting(tmp_path / "a") == lasting(tmp_path / "b")


def test_a_run_can_be_read_while_it_goes_on(tmp_path: Path) -> None:
    seen = []

    def look(_: Session) -> None:
        seen.append((summary(tmp_path / "run")["status"], len(metrics(tmp_path / "run"))))

    play(tmp_path / "run", at_call=look)
    assert seen == [("running", told) for told in (0, 1, 2) for _ in range((10, 10, 6)[told])]


def test_every_line_has_a_timing(tmp_path: Path) -> None:
    play(tmp_path / "run", at_call=signalling(signal.SIGINT, 15))
    play(tmp_path / "run", resume=True)
    lines = (tmp_path / "run" / "timings.jsonl").read_text().splitlines()
    timings = list(map(json.loads, lines))
    assert [timing["step"] for timing in timings] == [10, 20, 26]
    assert all(t.keys() == {"step", "seconds", "sequences_per_second"} for t in timings)
    seconds = [timing["seconds"] for timing in timings]
    assert seconds == sorted(seconds)


def test_the_terminal_tells_the_title_the_course_and_the_end(tmp_path: Path) -> None:
    screen = io.StringIO()
    play(tmp_path / "run", screen=screen)
    first, course, *end = screen.getvalue().splitlines()
    assert first.startswith("Adding, 20 steps: 2 seeds of 43 parameters on ")
    assert course.startswith("40 seq  loss 4.5  error 9  solved 0/2")
    assert end[0] == "solved: 0 of 2 seeds"
    assert end[-1] == f"picture: {tmp_path / 'run' / 'curves.png'}"


@pytest.mark.parametrize("title", ["a [b] c", "a [/b] c"])
def test_a_title_is_shown_as_written(title: str, tmp_path: Path) -> None:
    screen = io.StringIO()
    play(tmp_path / "run", dataclasses.replace(EXPERIMENT, title=title), screen=screen)
    assert screen.getvalue().startswith(title)


# ------------------------------------------------------------------------------ signals


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


# --------------------------------------------------------------------- going on, or not


def test_a_run_that_is_done_says_so(tmp_path: Path) -> None:
    there, screen = tmp_path / "run", io.StringIO()
    play(there)
    before = {path.name: path.read_bytes() for path in there.iterdir() if path.is_file()}
    never = raising(26, AssertionError("trains"))
    assert play(there, at_call=never, screen=screen, resume=True) == "completed"
    assert screen.getvalue() == f"{there} is completed: nothing is left to do\n"
    assert {path.name: path.read_bytes() for path in there.iterdir() if path.is_file()} == before


def test_a_run_that_diverged_stays_so(tmp_path: Path) -> None:
    for resume in (False, True):
        screen = io.StringIO()
        bad = [(0, 3), (1, 4)]
        assert play(tmp_path / "run", screen=screen, resume=resume, bad=bad) == "diverged"
    assert screen.getvalue() == f"{tmp_path / 'run'} is diverged: nothing is left to do\n"


def of_steps(steps: int, **changes: Any) -> Experiment:
    train = TrainSettings(batch_size=BATCH, max_sequences=steps * BATCH, log_every=10, seeds=2)
    return dataclasses.replace(EXPERIMENT, train=dataclasses.replace(train, **changes))


def test_a_longer_run_has_the_bits_of_one_that_was_that_long(tmp_path: Path) -> None:
    straight, grown, script = tmp_path / "straight", tmp_path / "grown", {"solves": {1: 24}}
    play(straight, of_steps(40), **script)
    play(grown, of_steps(20), **script)
    assert play(grown, of_steps(40), resume=True, **script) == "completed"
    for name in ("metrics.jsonl", "config.yaml"):
        assert (grown / name).read_bytes() == (straight / name).read_bytes()
    assert lasting(grown) == lasting(straight)


def test_lines_may_come_at_other_steps_from_where_a_run_goes_on(tmp_path: Path) -> None:
    play(tmp_path / "run", of_steps(30), signalling(signal.SIGINT, 12))
    assert play(tmp_path / "run", of_steps(30, log_every=4), resume=True) == "completed"
    lines = metrics(tmp_path / "run")
    assert [line["step"] for line in lines] == [10, 16, 20, 24, 28, 30]
    assert [line["loss"][0] for line in lines] == [4.5, 12.5, 17.5, 21.5, 25.5, 28.5]


@pytest.mark.parametrize("resume", [False, True])
def test_a_directory_of_something_else_is_refused(tmp_path: Path, resume: bool) -> None:
    there = tmp_path / "run"
    there.mkdir()
    (there / "notes.txt").write_text("mine")
    words = "it has no config.yaml" if resume else "exists and is not an empty folder"
    with pytest.raises(BadInput, match=words):
        play(there, at_call=raising(0, RuntimeError), resume=resume)
    assert [path.name for path in there.iterdir()] == ["notes.txt"]


def test_a_run_in_the_way_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    play(tmp_path / "run")
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()}
    with pytest.raises(BadInput, match="exists and is not an empty folder; name another with"):
        play(tmp_path / "run", at_call=raising(0, RuntimeError))
    after = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()}
    assert after == before


def test_another_config_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    there = tmp_path / "run"
    play(there, at_call=signalling(signal.SIGINT, 3))
    before = {path.name: path.read_bytes() for path in there.iterdir() if path.is_file()}
    other = dataclasses.replace(EXPERIMENT, optimizer=SGD(0.2))
    with pytest.raises(BadInput, match=r"optimizer\.learning_rate was 0\.1 and is 0\.2; name"):
        play(there, other, resume=True)
    assert {path.name: path.read_bytes() for path in there.iterdir() if path.is_file()} == before


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with RunLock(tmp_path / "run"), pytest.raises(BadInput, match="is in use by process "):
        play(tmp_path / "run")


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="file"):
        play(tmp_path / "file" / "below" / "run")


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


# ---------------------------------------------------------------------------- failures


@pytest.mark.parametrize("error", [RuntimeError, ValueError, SystemExit])
def test_an_unexpected_end_is_told_and_passed_on(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error, match="out of the blue"):
        play(tmp_path / "run", at_call=raising(12, error("out of the blue")))
    assert summary(tmp_path / "run")["status"] == "failed"
    assert len(metrics(tmp_path / "run")) == 1
    assert play(tmp_path / "run", resume=True) == "completed"


def full_from(run: Path, step: int, *places: str) -> Callable[[Session], None]:
    """Fills the disk at a step, for all who write by way of `places`."""

    def at_call(session: Session) -> None:
        if session.step == step:
            while not (run / "checkpoints" / f"{0:08}" / "manifest.json").exists():
                time.sleep(0.01)
            for place in places:
                mock.patch(place, side_effect=FULL).start()

    return at_call


@pytest.fixture(autouse=True)
def room_on_disk() -> Any:
    yield
    mock.patch.stopall()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("experiments.run.logs.as_json", id="a line"),
        pytest.param("experiments.run.logs.Log.sync", id="its end"),
        pytest.param("experiments.checkpoint.manifest.seal", id="a checkpoint"),
        pytest.param("experiments.checkpoint.arrays.save", id="its arrays"),
        pytest.param("tests.experiments.run.scripted.plot_curves", id="the picture"),
    ],
)
def test_what_cannot_be_written_ends_the_run_in_a_sentence(tmp_path: Path, place: str) -> None:
    there = tmp_path / "run"
    if place.endswith("plot_curves"):
        mock.patch(place, side_effect=FULL).start()
    with pytest.raises(Failed, match="No space left on device; last checkpoint: step ") as caught:
        play(there, at_call=full_from(there, 9, place), picture=True)
    assert "\n" not in str(caught.value)
    assert summary(there)["status"] == "failed"
    mock.patch.stopall()
    assert play(there, resume=True) == "completed"
    play(tmp_path / "straight")
    assert lasting(there) == lasting(tmp_path / "straight")
    names = ("metrics.jsonl", "config.yaml")
    assert all(
        (there / name).read_bytes() == (tmp_path / "straight" / name).read_bytes() for name in names
    )


def test_a_disk_on_which_nothing_can_be_written_any_more(tmp_path: Path) -> None:
    there, places = (
        tmp_path / "run",
        ("experiments.run.logs.as_json", "experiments.run.directory.write"),
    )
    with pytest.raises(Failed, match="No space left on device; last checkpoint: step 0"):
        play(there, at_call=full_from(there, 5, *places))
    assert summary(there)["status"] == "running"


def test_a_disk_that_is_full_before_anything_is_written(tmp_path: Path) -> None:
    with (
        mock.patch("experiments.run.directory.write", side_effect=FULL),
        pytest.raises(Failed, match=r"run cannot be written: No space left on device$"),
    ):
        play(tmp_path / "run")


def test_the_summary_at_the_end_is_one_of_those(tmp_path: Path) -> None:
    at_call = full_from(tmp_path / "run", 25, "experiments.run.directory.write")
    with pytest.raises(Failed, match="No space left on device; last checkpoint: step 26"):
        play(tmp_path / "run", at_call=at_call)
