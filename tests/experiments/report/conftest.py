"""One small run that was really trained, and what is found in it, for all that looks into it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from experiments.build import Build, build
from experiments.config import load
from experiments.report.album import Album
from experiments.report.arms import Arm, arms_of
from experiments.report.gather import gather
from experiments.report.parameters import Trained
from experiments.report.probing import Inside, probe
from experiments.report.reading import read_run
from experiments.report.whole import compose
from experiments.run.run import run

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
def real_arm(real_run: Path) -> Arm:
    (arm,) = arms_of(read_run(real_run))
    return arm


@pytest.fixture(scope="session")
def parts(real_run: Path) -> Build:
    return build(load(real_run / "config.yaml"))


@pytest.fixture(scope="session")
def page(real_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A page about that run, which lacks nothing, and its pictures."""
    subject, out = gather([real_run]), tmp_path_factory.mktemp("page") / "page.html"
    html, pictures = compose(subject, out, Console(file=io.StringIO()))
    assert subject.missing == []
    out.write_text(html, "utf-8")
    return out, pictures


@pytest.fixture(scope="session")
def inside(real_arm: Arm, parts: Build) -> Inside:
    return probe(real_arm, parts, Trained(real_arm.run.path, parts))


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "pictures")
