"""The results of a climb as tables, one a task, and in full for a program."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from experiments.config.writer import inline
from experiments.frontier.study import Spot, Study
from experiments.sweep.results import Result, swept, value, wilson
from experiments.sweep.table import figures, label_of, short
from experiments.table import Table

NOT_RUN, NO_RESULT = "not run", "no result"
NOTE = (
    "In a field: the seeds that solved the task, and the median of the sequences that they had "
    "seen until then. Frontier: the longest lag that at least half of the seeds solved. Not run: "
    "no seed of the model had solved the lag before."
)


def tables(study: Study, best: Mapping[Spot, Result], made: Sequence[str] = ()) -> list[Table]:
    """A table for each task: a row for each model, a column for each lag.

    The notes stand below the last one, and end with how all were `made`.
    """
    shown = []
    for task, lags in study.lags.items():
        rows = []
        for model in study.models:
            found = [best.get(Spot(task, lag, model)) for lag in lags]
            frontier = frontier_of(best, task, model)
            rows.append((model, *map(_field, found), f"{frontier:,}" if frontier else "–"))
        columns = ("model", *(f"{lag:,}" for lag in lags), "frontier")
        shown.append(Table(f"{in_words(task)}, lag: {study.keys[task]}", columns, rows))
    notes = (NOTE, *_choices(study), *_intervals(best.values()), *made)
    shown[-1] = shown[-1]._replace(notes=notes)
    return shown


def frontier_of(best: Mapping[Spot, Result], task: str, model: str) -> int | None:
    """The longest lag that at least half of the seeds of a model solved; None where none is."""
    solved = [
        spot.lag
        for spot, result in best.items()
        if (spot.task, spot.model) == (task, model) and result.finished and result.rate >= 0.5
    ]
    return max(solved, default=None)


def in_words(task: str) -> str:
    """A task's name as a heading.

    >>> in_words("temporal_order")
    'Temporal order'
    """
    return task.replace("_", " ").capitalize()


def as_csv(study: Study, best: Mapping[Spot, Result]) -> str:
    """Every figure of the best cell of every spot that was tried, and what that cell chose."""
    text = io.StringIO()
    rows = []
    for spot in sorted(best, key=lambda s: (s.task, study.models.index(s.model), s.lag)):
        frontier = frontier_of(best, spot.task, spot.model)
        rows.append(
            spot._asdict() | {"frontier": frontier} | _chosen(best[spot]) | figures(best[spot])
        )
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _field(result: Result | None) -> str:
    """A model at a lag.

    >>> _field(None)
    'not run'
    """
    if result is None:
        return NOT_RUN
    if not result.finished:
        return NO_RESULT
    solved = f"{result.solved}/{result.seeds}"
    return f"{solved} {result.median_sequences:,.0f}" if result.solved else solved


def _choices(study: Study) -> list[str]:
    """What each model had to choose from at each lag."""
    keys = [key for key in swept(study.sheet.cells) if _is_choice(key)]
    told = []
    for key, name in zip(keys, short(keys), strict=True):
        values = dict.fromkeys(label_of(value(cell, key)) for cell in study.sheet.cells)
        told.append(f"{name} {' or '.join(values)}")
    return [f"Each field is the better of {', '.join(told)}."] if told else []


def _intervals(found: Iterable[Result]) -> list[str]:
    """Of all shares that are seen."""
    shares = sorted({(each.seeds, each.solved) for each in found})
    spans = (
        f"{solved}/{seeds} {100 * low:.0f}–{high:.0%}"
        for seeds, solved in shares
        for low, high in [wilson(solved, seeds)]
    )
    return [f"95% Wilson intervals: {', '.join(spans)}."]


def _is_choice(key: str) -> bool:
    return key.partition(".")[0] not in ("task", "model")


def _chosen(result: Result) -> dict[str, str]:
    """The settings that are no model and no task."""
    keys = [key for key in result.values if _is_choice(key)]
    values = (inline(result.values[key]) for key in keys)
    return dict(zip(short(keys), values, strict=True))
