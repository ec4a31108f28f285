"""Arms: one setting each, with all its seeds. A run has one, or one for each of its variants."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.build import build_task
from experiments.config import Experiment
from experiments.report.reading import Numbers, Run, numbers
from experiments.sweep.results import wilson

Point = tuple[float, float]


class Curve(NamedTuple):
    """What a seed learnt, over the training sequences it had seen."""

    error: tuple[Point, ...]
    """Up to where it had solved its task."""
    held_out: tuple[Point, ...]


class Seed(NamedTuple):
    """A member of a run; sequences count those of the runs that it begins with."""

    name: str
    needed: int | None
    """Sequences until it had solved its task."""
    seen: int
    failed: str | None
    """In words, where its numbers went bad."""
    test_error: float | None
    curve: Curve


class Arm(NamedTuple):
    """A setting and its seeds."""

    label: str
    run: Run
    experiment: Experiment | None
    first: int
    """The place of its first seed among the members of the run."""
    seeds: tuple[Seed, ...]

    @property
    def needed(self) -> list[int]:
        """Sequences to solve, of the seeds that solved their task."""
        return [seed.needed for seed in self.seeds if seed.needed is not None]

    @property
    def solved(self) -> str:
        """How many of its seeds solved their task."""
        return f"{len(self.needed)} of {len(self.seeds)}"

    @property
    def median(self) -> float:
        """Of these; infinite where there is none."""
        return statistics.median(self.needed) if self.needed else math.inf

    @property
    def rate(self) -> float:
        """The share of seeds that solved their task."""
        return len(self.needed) / len(self.seeds)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of that share."""
        return wilson(len(self.needed), len(self.seeds))

    @property
    def errors(self) -> list[float]:
        """Errors on test data, where they are finite."""
        return [each.test_error for each in self.seeds if each.test_error is not None]

    @property
    def error(self) -> float:
        """Their median; infinite where there is none."""
        return statistics.median(self.errors) if self.errors else math.inf

    @property
    def standing(self) -> tuple[float, float, float]:
        """What arms are sorted by, best first: solve rate, sequences, test error."""
        return -self.rate, self.median, self.error

    @property
    def typical(self) -> int:
        """The seed to look into: among those that solved the task, or else among all, the one in
        the middle.
        """
        places = [place for place, seed in enumerate(self.seeds) if seed.needed is not None]
        if places:
            places.sort(key=lambda place: self.seeds[place].needed or 0)
        else:
            places = list(range(len(self.seeds)))
            places.sort(key=lambda place: _or_worst(self.seeds[place].test_error))
        return places[(len(places) - 1) // 2]


class Levels(NamedTuple):
    """What errors are held to."""

    error: str
    """What they measure."""
    chance: float | None
    threshold: float | None


def arms_of(run: Run, label: str = "") -> list[Arm]:
    """The arms of a run, those of a run with variants named by these; none without any seed."""
    variants: Sequence[Mapping[str, Any]] = _variants(run)
    names = _names(run)
    share = len(names) // max(len(variants), 1)
    arms = []
    for number, keys in enumerate(variants or [{}]):
        first = number * share
        seeds = tuple(_seed(run, place, names[place]) for place in range(first, first + share))
        experiment = run.experiment
        if experiment and number < len(experiment.variants):
            experiment = experiment.variants[number].experiment
        parts = filter(None, (label, words(keys)))
        if seeds:
            arms.append(Arm(", ".join(parts) or run.title, run, experiment, first, seeds))
    return arms


def words(keys: Mapping[str, Any]) -> str:
    """Keys and what they are set to, in few words.

    >>> words({"optimizer.learning_rate": 0.01, "model.bias": {"name": "chrono"}})
    'learning rate 0.01, bias chrono'
    >>> words({"model.cell": "gru", "model.hidden_size": 8})
    'gru, hidden size 8'
    """
    told = []
    for key, value in keys.items():
        if key == "model.cell":
            told.append(str(value))
            continue
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            value = " ".join(map(str, value.values()))
        told.append(f"{key.rpartition('.')[2].replace('_', ' ')} {value}")
    return ", ".join(told)


def levels_of(run: Run) -> Levels:
    """Chance level and threshold, from the summary or else from the task; None if not known."""
    found = run.summary
    if {"error", "chance", "threshold"} <= found.keys():
        return Levels(found["error"], found["chance"], found["threshold"])
    if run.experiment is not None:
        try:
            task = build_task(run.experiment)
        except ValueError:  # a text that is not here
            return Levels("error", None, None)
        return Levels(task.error_name, task.chance, task.threshold)
    return Levels("error", None, None)


def _variants(run: Run) -> list[dict[str, Any]]:
    if run.experiment is not None:
        return [dict(each.keys) for each in run.experiment.variants]
    return run.summary.get("variants", [])


def _names(run: Run) -> list[str]:
    """The members by name, as far as anything tells of them."""
    if "members" in run.summary:
        return run.summary["members"]
    if run.experiment is not None:
        variants = max(len(run.experiment.variants), 1)
        numbers = run.experiment.train.seed_numbers
        return [f"seed_{number}" for _ in range(variants) for number in numbers]
    widths = {len(line["error"]) for line in run.lines}
    return [f"seed_{place}" for place in range(min(widths, default=0))]


def _seed(run: Run, place: int, name: str) -> Seed:
    summary = run.summary
    before = _at(summary.get("sequences_before"), place) or 0
    needed = _at(summary.get("sequences_to_solve"), place)
    last = max((line["sequences"] for line in run.lines), default=0)
    seen = before + (_at(summary.get("sequences_seen"), place) or needed or last)
    needed = None if needed is None else before + needed
    failure = _at(summary.get("failed"), place)
    final = (summary.get("final") or {}).get("test_error")
    return Seed(
        name=name.replace("_", " "),
        needed=needed,
        seen=seen,
        failed=_failed(failure),
        test_error=_at(final, place),
        curve=_curve(run, place, before, needed),
    )


def _failed(failure: dict[str, Any] | None) -> str | None:
    if failure is None:
        return None
    step, bad = failure.get("step", "?"), failure.get("first_bad", "a number")
    return f"stopped before step {step}: {bad} was not finite"


def _curve(run: Run, place: int, before: int, needed: int | None) -> Curve:
    most = math.inf if needed is None else needed
    error: list[Point] = []
    held_out: list[Point] = []
    for line in run.lines:
        sequences = before + line["sequences"]
        if (value := _at(line["error"], place)) is not None and (not error or error[-1][0] < most):
            error.append((min(sequences, most), value))
        if (value := _at(numbers(line, "test_error"), place)) is not None:
            held_out.append((sequences, value))
    return Curve(tuple(error), tuple(held_out))


def _at(values: Sequence[Any] | Numbers | None, place: int) -> Any:
    return values[place] if values is not None and place < len(values) else None


def _or_worst(error: float | None) -> float:
    return math.inf if error is None else error
