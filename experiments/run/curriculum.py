"""A run with its curriculum: the stages one after another, each a run of its own, then the config.

OUT/curriculum/1  ->  OUT/curriculum/2  ->  OUT
"""

import json
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.build import check
from experiments.config import Experiment
from experiments.config.writer import told
from experiments.distributed import first, from_first
from experiments.run.begin import resumable
from experiments.run.directory import CURRICULUM
from experiments.run.run import REFUSALS, BadInput, Earlier, run
from experiments.words import plural


def run_all(
    experiment: Experiment, out: Path, console: Console, began: float | None, resume: bool
) -> str:
    """`run` an experiment, after the stages of its curriculum if it has one; the last status.

    The stages are left out where the run in `out` goes on. Raises what `run` does.
    """
    count = len(experiment.curriculum)
    if not count:
        return run(experiment, out, console, began, resume)
    try:
        check(experiment)
        goes_on = bool(from_first(np.array(first() and resumable(experiment, out, resume))))
    except REFUSALS as error:
        raise BadInput(str(error)) from error
    if goes_on:
        last = Earlier(_folder(out, count), 0.0)  # the run that goes on has counted its seconds
        return run(experiment, out, console, began, resume, last)
    after = None
    for number, stage in enumerate(experiment.curriculum, 1):
        console.rule(f"stage {number} of {count}: {told(stage.keys)}")
        status = run(stage.experiment, _folder(out, number), console, began, resume, after)
        if status != "completed":
            return status
        after, began = _earlier(_folder(out, number)), None
    console.rule(f"after {plural(count, 'stage')}")
    return run(experiment, out, console, began, resume, after)


def _folder(out: Path, number: int) -> Path:
    return out / CURRICULUM / str(number)


def _earlier(stage: Path) -> Earlier:
    """A stage that is done; other processes wait until the first has written all of it."""
    return Earlier(stage, float(from_first(np.array(_seconds(stage) if first() else 0.0))))


def _seconds(stage: Path) -> float:
    summary = json.loads((stage / "summary.json").read_text("utf-8"))
    seconds: float = summary["times"]["wall_seconds"]
    return seconds
