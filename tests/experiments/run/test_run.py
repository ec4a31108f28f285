"""What a run leaves behind when it comes to its end, and what it says of that."""

import dataclasses
import io
import json
import signal
from pathlib import Path

import pytest

from experiments.config import load
from experiments.run.session import Session
from tests.experiments.run.endings import lasting, metrics, signalling, summary
from tests.experiments.run.scripted import EXPERIMENT, play

FILES = {
    *("config.yaml", "environment.json", "metrics.jsonl", "timings.jsonl", "summary.json"),
    *("checkpoints", "lock"),
}


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
