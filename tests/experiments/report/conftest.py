"""What is found in the small run that was really trained, for all that looks into it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from experiments.build import Build
from experiments.report.album import Album
from experiments.report.arms import Arm, arms_of
from experiments.report.gather import gather
from experiments.report.probing import Inside, probe
from experiments.report.reading import read_run
from experiments.report.whole import compose
from experiments.trained import Trained


@pytest.fixture(scope="session")
def real_arm(real_run: Path) -> Arm:
    (arm,) = arms_of(read_run(real_run))
    return arm


@pytest.fixture(scope="session")
def page(real_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A page about that run, which lacks nothing, and its pictures."""
    subject, out = gather([real_run]), tmp_path_factory.mktemp("page") / "page.html"
    html, pictures = compose(subject, out, Console(file=io.StringIO()))
    assert subject.missing == []
    out.write_text(html, "utf-8")
    return out, pictures


@pytest.fixture(scope="session")
def inside(real_arm: Arm, parts: Build, trained: Trained) -> Inside:
    return probe(real_arm, parts, trained)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "pictures")
