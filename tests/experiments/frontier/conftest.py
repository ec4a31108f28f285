"""Studies, their results that were never found, and trials that are played."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from experiments.frontier.study import Spot, Study, study_of
from experiments.sweep import work
from experiments.sweep.folder import SweepFolder
from experiments.sweep.results import Result
from experiments.sweep.sheet import load_sheet
from tests.experiments.sweep.conftest import BASE
from tests.experiments.sweep.fabricated import result

STUDY = """\
config: base.yaml
title: A study
grid:
  task:
    - {name: adding, variant: bai2018, length: 100}
    - {name: adding, variant: bai2018, length: 20}
    - {name: adding, variant: bai2018, length: 30}
    - {name: temporal_order, variant: 6a, length: 30}
    - {name: temporal_order, variant: 6a, length: 20}
  model:
    - {cell: elman, hidden_size: 2}
    - {cell: gru, hidden_size: 2}
    - {cell: lstm, hidden_size: 2, bias: {name: forget, value: 1}}
    - {cell: lstm, hidden_size: 2, bias: chrono}
  optimizer.learning_rate: [0.1, 0.01]
"""
MODELS = ["Elman", "GRU", "LSTM, forget bias 1", "LSTM, chrono"]


@pytest.fixture(autouse=True)
def devices_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would ask JAX for a device a core, which is settled once it has begun."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study, with a change, and the config beside it."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in STUDY
        (tmp_path / "base.yaml").write_text(BASE)
        (tmp_path / "study.yaml").write_text(STUDY.replace(old, new) if old else STUDY)
        return tmp_path / "study.yaml"

    return write


@pytest.fixture
def study(write_study: Callable[..., Path]) -> Study:
    return study_of(load_sheet(write_study()))


@pytest.fixture
def best() -> Mapping[Spot, Result]:
    """Elman solves nothing, the GRU the shortest lag, chrono all, the last one by half."""
    found = {}
    for task, lags in {"adding": (20, 30, 100), "temporal_order": (20, 30)}.items():
        needed = {
            "Elman": [[]],
            "GRU": [[900, 100, 300], []],
            "LSTM, forget bias 1": [[50, 60], [7]],
            "LSTM, chrono": [[10, 20, 30, 40], [10, 20, 30, 50], [11000, 12000]],
        }
        for model, solved in needed.items():
            for lag, sequences in zip(lags, solved, strict=False):
                values = {"task": task, "model": model, "optimizer.learning_rate": 0.01}
                found[Spot(task, lag, model)] = result(values, sequences)
    return found


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials are played by the stand-in, in place of `python -m experiments run`."""

    def command_of(folder: SweepFolder, trial: str) -> tuple[str, ...]:
        script = str(Path(__file__).parent / "stand_in.py")
        config, run = str(folder.config(trial)), str(folder.run(trial))
        return (sys.executable, script, config, "--resume", "--out", run)

    monkeypatch.setattr(work, "_command", command_of)
