"""From the paths of a command to what a report is about: runs, and the arms that they make.

A path is a run directory or that of a sweep, whose cells are arms.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.config import ConfigError
from experiments.config.loading import plain_value, read_tree
from experiments.config.writer import inline
from experiments.report.arms import Arm, arms_of, words
from experiments.report.reading import Run, is_run, read_run
from lstm_jax.checks import nearest

SWEEP = ("sweep.yaml", "cells.json")


class Subject(NamedTuple):
    """What a report is about."""

    title: str
    runs: list[Run]
    arms: list[Arm]
    missing: list[str]
    """Of all runs, each sentence with its run where there are several."""
    sweep: Path | None = None
    """The directory of the only sweep, if that is all."""

    def name_of(self, run: Run) -> str:
        """What a run is called here: the setting of a sweep's trial where it has one alone."""
        labels = [arm.label for arm in self.arms if arm.run is run]
        if self.sweep is not None and len(labels) == 1:
            return labels[0]
        return run.path.resolve().name


class NoRun(Exception):
    """A path that leads to nothing that can be told of, in one sentence."""


def gather(paths: Sequence[Path]) -> Subject:
    """All that can be read in run directories and those of sweeps; NoRun for another path."""
    for path in paths:
        check_path(path)
    if len({each.resolve() for each in paths}) < len(paths):
        raise NoRun("a run is named twice; name each once")
    runs: list[Run] = []
    arms: list[Arm] = []
    missing: list[str] = []
    labels = names_of(paths)
    for path, label in zip(paths, labels, strict=True):
        if is_sweep(path):
            found, told = read_sweep(path, label if len(paths) > 1 else "")
            missing += told
            for run, its_arms in found:
                runs.append(run)
                arms += its_arms
        else:
            run = read_run(path)
            runs.append(run)
            arms += arms_of(run, label if len(paths) > 1 else "")
    sweep = paths[0] if len(paths) == 1 and is_sweep(paths[0]) else None
    subject = Subject(_title(runs, labels, sweep), runs, arms, missing, sweep)
    for run in runs:
        name = f"{subject.name_of(run)}: " if len(runs) > 1 else ""
        missing += [name + each for each in run.missing]
    return subject


def check_path(path: Path) -> None:
    """Hold that a path is that of a run or a sweep; NoRun with the nearest name that is."""
    if is_run(path) or is_sweep(path):
        return
    if not path.exists():
        there = "does not exist"
    elif not path.is_dir():
        there = "is a file and no run directory"
    else:
        there = "holds no run: it has none of config.yaml, summary.json and metrics.jsonl"
    try:
        runs = [each.name for each in path.parent.iterdir() if is_run(each) or is_sweep(each)]
    except OSError:
        runs = []
    beside = f"; {nearest(path.name, runs)}" if 0 < len(runs) <= 12 else ""
    if len(runs) > 12:
        beside = nearest(path.name, runs).partition("known:")[0].rstrip()
        beside = f"; {beside}" if beside else ""
    raise NoRun(f"{path} {there}{beside}")


def is_sweep(path: Path) -> bool:
    """Whether a directory is that of a sweep."""
    return all((path / name).is_file() for name in SWEEP)


def read_sweep(path: Path, label: str) -> tuple[list[tuple[Run, list[Arm]]], list[str]]:
    """The runs of a sweep's trials, each with its arms, named by what the sweep sets."""
    missing: list[str] = []
    try:
        cells = [_cell(each) for each in json.loads((path / "cells.json").read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        raise NoRun(f"{path / 'cells.json'} is not what a sweep writes") from None
    cells = [(dict(_flat(keys)), trial, variant) for keys, trial, variant in cells]
    keys = _differing([keys for keys, _, _ in cells])
    trials = dict.fromkeys(trial for _, trial, _ in cells)
    found = []
    for trial in trials:
        folder = path / "trials" / trial
        places = {variant: set_ for set_, name, variant in cells if name == trial}
        if not is_run(folder):
            named = "; ".join(words(each) for each in places.values())
            missing.append(f"There is no run of {named} yet.")
            continue
        run = read_run(folder)
        arms = [
            arm._replace(label=_label(label, places[number], keys))
            for number, arm in enumerate(arms_of(run))
            if number in places
        ]
        found.append((run, arms))
    return found, missing


def _cell(cell: Any) -> tuple[dict[str, Any], str, int]:
    return dict(cell["keys"]), str(cell["trial"]), int(cell["variant"])


def _flat(keys: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys that are set one by one, though a cell may set a whole section."""
    for key, value in keys.items():
        if isinstance(value, dict) and "name" not in value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _differing(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that tell cells apart; a single one where it tells them all."""
    keys = dict.fromkeys(key for cell in cells for key in cell)
    for key in keys:
        if len({inline(cell.get(key)) for cell in cells}) == len(cells):
            return [key]
    return [key for key in keys if any(cell.get(key) != cells[0].get(key) for cell in cells)]


def _label(label: str, cell: Mapping[str, Any], keys: Sequence[str]) -> str:
    told = {key: value for key, value in cell.items() if key in keys} or cell
    return ": ".join(filter(None, [label, words(told)]))


def names_of(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as tell it from the others.

    >>> names_of([Path("/a/x"), Path("/b/x"), Path("/b/y")])
    ['a/x', 'b/x', 'y']
    """
    parts = [path.resolve().parts for path in paths]

    def shortest(own: tuple[str, ...]) -> Iterator[str]:
        for count in range(1, len(own)):
            if sum(each[-count:] == own[-count:] for each in parts) == 1:
                yield "/".join(own[-count:])
        yield "/".join(own)

    return [next(shortest(own)) for own in parts]


def _title(runs: Sequence[Run], labels: Sequence[str], sweep: Path | None) -> str:
    if sweep is not None:
        return _sweep_title(sweep) or sweep.resolve().name
    titles = list(dict.fromkeys(run.title for run in runs))
    if len(titles) == 1:
        return titles[0]
    return " · ".join(labels)


def _sweep_title(path: Path) -> str:
    """What the file of a sweep says that it is called; no more of it is read here."""
    try:
        title = plain_value(read_tree(path / "sweep.yaml")[0])["title"]
    except (ConfigError, KeyError, TypeError):
        return ""
    return title if isinstance(title, str) else ""
