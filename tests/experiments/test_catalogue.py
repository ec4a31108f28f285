"""What there is to name in a config, a line each."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from experiments import catalogue
from experiments.catalogue import config_files, first_line, print_catalogue
from experiments.config import load
from experiments.config.schema import SCHEMA
from experiments.sweep.sheet import is_sheet, load_sheet
from lstm_jax.executors import EXECUTORS

ROOT = Path(catalogue.__file__).parents[1]


def printed(width: int = 300) -> list[str]:
    screen = io.StringIO()
    print_catalogue(Console(file=screen, width=width, soft_wrap=True))
    return [line for line in screen.getvalue().splitlines() if line.split()]


def test_every_entry_of_every_registry_is_named_with_its_purpose() -> None:
    lines = printed()
    registries = {"tasks": SCHEMA.tasks, "cells": SCHEMA.cells, "executors": EXECUTORS}
    registries |= {"optimizers": SCHEMA.optimizers}
    for heading, registry in registries.items():
        below = lines[lines.index(heading) + 1 :]
        for name, entry in registry.items():
            row = next(line for line in below if line.split()[:1] == [name])
            assert row.split(maxsplit=1)[1].rstrip() == first_line(entry)
            assert len(first_line(entry)) > 10


def test_every_config_is_named_with_its_title(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = printed()
    files = sorted(Path("configs").rglob("*.yaml"))
    assert files
    for path in files:
        title = load_sheet(path).title if is_sheet(path) else load(path).title
        assert any(line.split() == [str(path), *title.split()] for line in lines)


def test_no_name_is_broken_by_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = {line.split()[0] for line in printed(width=80)}
    assert words >= {*SCHEMA.tasks, *SCHEMA.cells, *EXECUTORS, *SCHEMA.optimizers}
    assert words >= {str(path) for path in Path("configs").rglob("*.yaml")}


def test_configs_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_files() == sorted((ROOT / "configs").rglob("*.yaml"))


def test_a_broken_config_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_bytes((ROOT / "configs" / "adding.yaml").read_bytes())
    (tmp_path / "bad.yaml").write_text("tasks: {}\n")
    monkeypatch.setattr(catalogue, "CONFIGS", tmp_path)
    monkeypatch.chdir(tmp_path)
    bad, good = printed()[-2:]
    assert bad.split(maxsplit=1)[1].startswith("cannot be read: bad.yaml:1: ")
    assert good.split()[0] == "good.yaml"


def test_every_study_is_named_with_its_recipes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study = tmp_path / "papers" / "paper1997"
    study.mkdir(parents=True)
    for name in ("original", "modern"):
        (study / f"{name}.yaml").write_text("config: base.yaml\n")
    monkeypatch.setattr(catalogue, "CONFIGS", tmp_path)
    assert [line.split() for line in printed()[-2:]] == [
        ["studies"],
        ["paper1997", "recipes:", "modern,", "original"],
    ]


def test_a_title_is_shown_as_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "title: '[b] of [/c]'\n"
        "task: {name: adding, variant: bai2018, length: 20}\n"
        "model: {cell: lstm, hidden_size: 2}\n"
        "optimizer: {name: sgd, learning_rate: 0.1}\n"
        "train: {batch_size: 2, max_sequences: 20, log_every: 2}\n"
    )
    monkeypatch.setattr(catalogue, "CONFIGS", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert printed()[-1].split(maxsplit=1)[1].strip() == "[b] of [/c]"
