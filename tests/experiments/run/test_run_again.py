"""Runs where one has been: what goes on, what is done, and what is refused."""

import dataclasses
import io
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from experiments.checkpoint import RunLock
from experiments.config import Experiment, ModelSettings
from experiments.run.run import BadInput, run
from lstm_jax import LSTM
from lstm_jax.executors import EXECUTORS, Executor, Request
from lstm_jax.training import SGD, TrainSettings
from tests.experiments.run.endings import lasting, metrics, raising, signalling
from tests.experiments.run.scripted import BATCH, EXPERIMENT, play


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
