"""What came of each cell of a sweep, from the summaries of its trials."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.config.writer import plain
from experiments.run.directory import FINISHED
from experiments.sweep.folder import SweepFolder
from experiments.sweep.sheet import Cell
from experiments.sweep.trials import Place

Z = 1.959963984540054
"""The quantile of the normal distribution that 95% intervals need."""


class Result(NamedTuple):
    """A cell and its seeds."""

    values: Mapping[str, Any]
    """The swept keys, set by the cell or as the config has them."""
    place: Place
    status: str
    """"completed", "diverged", or "missing" where there is no result."""
    seeds: int
    sequences: tuple[int, ...]
    """Of the seeds that solved the task, until they had."""
    errors: tuple[float, ...]
    """On test sequences, of the seeds where it is finite."""
    seconds: float | None
    """Of the trial, which other cells may share."""

    @property
    def finished(self) -> bool:
        """Whether there is a result."""
        return self.status in FINISHED

    @property
    def solved(self) -> int:
        """How many seeds solved the task."""
        return len(self.sequences)

    @property
    def rate(self) -> float:
        """The share of the seeds that solved the task."""
        return self.solved / self.seeds

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the rate."""
        return wilson(self.solved, self.seeds)

    @property
    def median_sequences(self) -> float:
        """Of the seeds that solved the task; infinite where none did."""
        return statistics.median(self.sequences) if self.sequences else math.inf

    @property
    def median_error(self) -> float:
        """Infinite where no seed has a finite one."""
        return statistics.median(self.errors) if self.errors else math.inf


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95% confidence interval of a proportion (Wilson 1927), without continuity correction.

        (p + z^2/2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2/n)

    >>> [round(bound, 3) for bound in wilson(3, 4)]
    [0.301, 0.954]
    """
    share, spread = successes / trials, Z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    low = 0.0 if successes == 0 else centre - half  # which rounding would leave beside the ends
    return low, 1.0 if successes == trials else centre + half


def results(cells: Sequence[Cell], places: Sequence[Place], folder: SweepFolder) -> list[Result]:
    """The results of all cells, best first: by solve rate, then sequences, then test error.

    Cells that have no result come last.
    """
    return sorted(
        in_order(cells, places, folder),
        key=lambda each: (
            *(not each.finished, -each.rate, each.median_sequences, each.median_error),
        ),
    )


def in_order(cells: Sequence[Cell], places: Sequence[Place], folder: SweepFolder) -> list[Result]:
    """The results of all cells in the order of these."""
    keys = swept(cells)
    return [_result(cell, place, keys, folder) for cell, place in zip(cells, places, strict=True)]


def programs(found: Iterable[Result]) -> dict[str, float]:
    """The seconds of each program that has ended, by the name of its trial."""
    return {each.place.trial: each.seconds for each in found if each.seconds is not None}


def swept(cells: Sequence[Cell]) -> list[str]:
    """The keys in which cells differ, in the order in which they are set."""
    keys = list(dict.fromkeys(key for cell in cells for key in cell.keys))
    told_apart = [
        key for key in keys if any(value(each, key) != value(cells[0], key) for each in cells)
    ]
    return told_apart or keys


def value(cell: Cell, key: str) -> Any:
    """What a cell sets a key to, or what its config has there; None where there is no such key."""
    if key in cell.keys:
        return cell.keys[key]
    found: Any = plain(cell.experiment)
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _result(cell: Cell, place: Place, keys: Sequence[str], folder: SweepFolder) -> Result:
    summary = folder.summary(place.trial) or {}
    values, seeds = {key: value(cell, key) for key in keys}, cell.experiment.train.seeds
    if summary.get("status") not in FINISHED:
        return Result(values, place, "missing", seeds, (), (), None)
    members = slice(place.variant * seeds, (place.variant + 1) * seeds)
    needed = summary["sequences_to_solve"][members]
    before = summary["sequences_before"][members]
    errors = (summary["final"]["test_error"] or [])[members]
    return Result(
        values,
        place,
        summary["status"],
        seeds,
        tuple(n + b for n, b in zip(needed, before, strict=True) if n is not None),
        tuple(e for e in errors if e is not None and math.isfinite(e)),
        summary["times"]["wall_seconds"],
    )
