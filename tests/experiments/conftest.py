"""What tests of several rooms look at."""

import io
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from experiments.build import Build, build
from experiments.config import load
from experiments.run.run import run
from experiments.trained import Trained

CONFIG = """\
title: A small run
task: {name: adding, variant: hochreiter1997, length: 20}
model: {cell: lstm, hidden_size: 3}
optimizer: {name: adam, learning_rate: 0.1}
train: {batch_size: 4, max_sequences: 80, log_every: 10, seeds: 2}
"""


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two seeds and twenty steps."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "config.yaml").write_text(CONFIG)
    out = folder / "small"
    run(load(folder / "config.yaml"), out, Console(file=io.StringIO()))
    return out


@pytest.fixture(scope="session")
def parts(real_run: Path) -> Build:
    return build(load(real_run / "config.yaml"))


@pytest.fixture(scope="session")
def trained(real_run: Path, parts: Build) -> Trained:
    return Trained(real_run, parts.model, len(parts.labels))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: object, **options: object) -> None:
        saved.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved
