"""A study of two recipes whose trials a stand-in plays."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.reproduce import study
from tests.experiments.sweep.conftest import BASE, devices_there_are, stand_in

__all__ = ["devices_there_are", "stand_in"]

MODERN = """\
title: Our best
config: base.yaml
set: {published.source: A & B 1997}
list:
  - {published.row: 2c 50/50, published.sequences: 150, model.hidden_size: 2}
  - {published.row: Adding, published.sequences: 90, published.solve_rate: 0.5,
     model.hidden_size: 8, train.max_sequences: 80}
  - {published.row: 2c 100/100, published.error: 0.02, model.hidden_size: 9}
"""
ORIGINAL = """\
config: base.yaml
list:
  - {published: {source: A & B 1997, row: 2c 50/50, sequences: 150}, train.seeds: 1}
"""


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of studies, with one, `paper1997`."""
    folder = tmp_path / "papers"
    for name, text in (("base", BASE), ("modern", MODERN), ("original", ORIGINAL)):
        path = folder / "paper1997" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(study, "PAPERS", folder)
    return folder


@pytest.fixture
def write_recipe(papers: Path) -> Callable[[str], Path]:
    """Writes a recipe in place of `modern`."""

    def write(text: str) -> Path:
        path = papers / "paper1997" / "modern.yaml"
        path.write_text(f"config: base.yaml\n{text}")
        return path

    return write
