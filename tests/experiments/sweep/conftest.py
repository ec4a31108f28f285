"""Sweeps of a small config, and trials that a stand-in plays in a tenth of a second."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import ConfigError
from experiments.sweep import work
from experiments.sweep.engines import Job
from experiments.sweep.folder import SweepFolder
from experiments.sweep.sheet import Sheet, load_sheet

STAND_IN = Path(__file__).parent / "stand_in.py"

BASE = """\
title: Base
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: sgd, learning_rate: 0.1}
train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}
"""


@pytest.fixture(autouse=True)
def devices_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would ask JAX for a device a core, which is settled once it has begun."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")


@pytest.fixture
def write_sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sweep of a config beside it."""

    def write(text: str, base: str = BASE) -> Path:
        (tmp_path / "base.yaml").write_text(base)
        path = tmp_path / "sweep.yaml"
        path.write_text(text if "config:" in text else f"config: base.yaml\n{text}")
        return path

    return write


@pytest.fixture
def read_sheet(write_sheet: Callable[..., Path]) -> Callable[..., Sheet]:
    """The sweep that a text describes."""
    return lambda *text: load_sheet(write_sheet(*text))


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job]:
    """A trial of a hidden size that the stand-in plays, in the directory `run`."""

    def make(hidden_size: int, run: Path | None = None) -> Job:
        run = run or tmp_path / f"run-{hidden_size}"
        config = run.with_suffix(".yaml")
        config.write_text(f"model:\n  hidden_size: {hidden_size}\ntrain:\n  seeds: 2\n")
        return Job(run.name, played(config, run), tmp_path / "logs" / f"{run.name}.log")

    return make


def played(config: Path, run: Path) -> tuple[str, ...]:
    return (sys.executable, str(STAND_IN), str(config), "--resume", "--out", str(run))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps run the stand-in in place of `python -m experiments run`."""

    def command_of(folder: SweepFolder, trial: str) -> tuple[str, ...]:
        return played(folder.config(trial), folder.run(trial))

    monkeypatch.setattr(work, "_command", command_of)


def complaints(write: Callable[..., Path], *text: str) -> list[str]:
    """What is wrong with a sweep."""
    path = write(*text)
    with pytest.raises(ConfigError) as caught:
        load_sheet(path)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]
