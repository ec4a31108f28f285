"""The climb: the lags of all tasks from the shortest on, each model as far as it comes."""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from experiments.frontier.study import Spot, Study
from experiments.sweep.results import Result, programs
from experiments.sweep.sheet import Cell
from experiments.sweep.work import Means, Outcome, Work, prepared
from experiments.words import plural


class Climb(NamedTuple):
    """How far it came."""

    best: Mapping[Spot, Result]
    """Of every spot that was tried, the best cell."""
    programs: Mapping[str, float]
    """The seconds of each, by the name of its trial, whichever start of the study ran it."""
    failed: bool
    """Whether a trial has no result."""
    stopped: int | None
    """The exit status, where signals ended it before all was done."""

    def stands(self, study: Study, spot: Spot) -> bool:
        """Whether a model has solved, by some seed, every shorter lag of the task."""
        return all(
            (below := self.best.get(spot._replace(lag=lag))) is not None and below.solved > 0
            for lag in study.lags[spot.task]
            if lag < spot.lag
        )


START = Climb({}, {}, False, None)


def climb(study: Study, out: Path, means: Means, again: str, console: Console) -> Climb:
    """Try every model on every task, lag by lag; what has a result is not run anew.

    `again` is the command that goes on after a stop. Raises BadInput before anything is run.
    """
    found, tried = START, dict[Cell, Spot]()
    for rung in range(max(map(len, study.lags.values()))):
        new = {
            cell: spot
            for cell, spot in zip(study.sheet.cells, study.spots, strict=True)
            if rung < len(study.lags[spot.task])
            and spot.lag == study.lags[spot.task][rung]
            and found.stands(study, spot)
        }
        if not new:
            break
        # later models of a study are dearer: they begin first, so that all end together
        last = study.models[::-1].index
        tried |= dict(sorted(new.items(), key=lambda each: last(each[1].model)))
        with prepared(dataclasses.replace(study.sheet, cells=tuple(tried)), out, means) as work:
            outcome = work.train(_title(study, new.values()), again, console)
            outcome.tell_failures(work.folder)
            found = _with(found, work, tried, outcome)
        if outcome.stopped is not None:
            break
        tried = {cell: spot for cell, spot in tried.items() if found.best[spot].finished}
    return found


def _title(study: Study, spots: Collection[Spot]) -> str:
    """What is tried next, in words."""
    found: dict[str, set[str]] = {}
    for spot in sorted(spots):
        found.setdefault(f"{spot.task} {study.keys[spot.task]} {spot.lag:,}", set()).add(spot.model)
    return ", ".join(f"{lag} ({plural(len(models), 'model')})" for lag, models in found.items())


def _with(before: Climb, work: Work, tried: Mapping[Cell, Spot], outcome: Outcome) -> Climb:
    """What is known once a rung is done; the best result of every spot comes first."""
    spots = dict(zip(work.places, tried.values(), strict=True))
    best: dict[Spot, Result] = {}
    results = work.results()
    for result in results:
        best.setdefault(spots[result.place], result)
    failed = before.failed or bool(outcome.failed)
    return Climb({**before.best, **best}, programs(results), failed, outcome.stopped)
