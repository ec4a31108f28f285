"""Runs that fail: what is told, what is kept, and that they can go on."""

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experiments.run.run import Failed
from experiments.run.session import Session
from tests.experiments.run.endings import lasting, metrics, raising, summary
from tests.experiments.run.scripted import play

FULL = OSError(errno.ENOSPC, "No space left on device")


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
