"""What a sweep leaves behind, and what an earlier start of it has left.

sweep.yaml, config.yaml     the sweep with its cells written out, and the config it is of
cells.json                  each cell's keys, its trial and its place among the trial's variants
trials/NAME.yaml            the config of a trial; NAME begins the SHA-256 of it
trials/NAME/                its run directory
logs/NAME.log               what the trial printed, of all its starts
table.csv, table.md, sweep.png
lock                        held while the sweep is at work
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.config import ConfigError, Experiment, dump, load
from experiments.files import write
from experiments.run.directory import FINISHED
from experiments.sweep.sheet import Sheet
from experiments.sweep.trials import Place, Trial


class SweepFolder:
    """The directory of a sweep; FileExistsError for one that holds something else."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            raise FileExistsError(f"{path} is no directory; name another with --out")
        there = {each.name for each in path.iterdir()} if path.exists() else set()
        if there - {"lock"} and "sweep.yaml" not in there:
            raise FileExistsError(f"{path} holds no sweep; name another directory with --out")
        self.path = path

    def config(self, trial: str) -> Path:
        """The config of a trial."""
        return self.path / "trials" / f"{trial}.yaml"

    def run(self, trial: str) -> Path:
        """The run directory of a trial, which the trial makes."""
        return self.path / "trials" / trial

    def log(self, trial: str) -> Path:
        """What a trial prints."""
        return self.path / "logs" / f"{trial}.log"

    def begin(self, sheet: Sheet, trials: Iterable[Trial], places: Sequence[Place]) -> None:
        """Write down the sweep and the trials that it needs; `places` are those of its cells."""
        for folder in ("trials", "logs"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        write(self.path / "config.yaml", sheet.config.read_text("utf-8-sig"))
        write(self.path / "sweep.yaml", sheet.dump("config.yaml"))
        for trial in trials:
            write(self.config(trial.name), dump(trial.experiment))
        cells = [
            {"keys": dict(cell.keys)} | place._asdict()
            for cell, place in zip(sheet.cells, places, strict=True)
        ]
        write(self.path / "cells.json", json.dumps(cells, indent=1) + "\n")

    def summary(self, trial: str) -> dict[str, Any] | None:
        """What a trial says of itself; None before it has begun."""
        try:
            found = json.loads((self.run(trial) / "summary.json").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def finished(self, trial: str) -> bool:
        """Whether a trial has its result."""
        return (self.summary(trial) or {}).get("status") in FINISHED

    def results(self) -> dict[Experiment, Place]:
        """The cells that have their result, whichever start of the sweep they belong to."""
        found: dict[Experiment, Place] = {}
        for path in sorted((self.path / "trials").glob("*.yaml")):
            if self.finished(path.stem):
                try:
                    trial = Trial(load(path))
                except ConfigError:
                    continue  # of another version of the settings
                if trial.name == path.stem:
                    found |= trial.places
        return found
