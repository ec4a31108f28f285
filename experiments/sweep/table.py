"""The results of a sweep as a table: for the terminal and a page, and in full for a program."""

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from experiments.config.writer import inline
from experiments.sweep.results import Result
from experiments.table import Table
from experiments.words import duration

NOTE = (
    "solved: seeds, and the 95% Wilson interval of their share. sequences: seen until the task was "
    "solved, the median [least, most] of the seeds that solved it. test error: the median."
)
SHARED = "time: of a program that trained other cells as well."


def table(results: Sequence[Result], title: str) -> Table:
    """A row for each cell, in the order given."""
    keys = list(results[0].values)
    columns = (*short(keys), "solved", "sequences", "test error", "time")
    cells = Counter(result.place.trial for result in results)
    rows = [
        (*(label_of(value) for value in result.values.values()), *_row(result))
        for result in results
    ]
    notes = (NOTE, SHARED) if max(cells.values()) > 1 else (NOTE,)
    return Table(title, columns, rows, notes)


def _row(result: Result) -> tuple[str, ...]:
    if not result.finished:
        return ("no result", "–", "–", "–")
    low, high = result.interval
    solved = f"{result.solved}/{result.seeds} ({100 * low:.0f}–{high:.0%})"
    needed, error = result.sequences, result.median_error
    sequences = "–"
    if needed:
        sequences = f"{result.median_sequences:,.0f} [{min(needed):,}, {max(needed):,}]"
    elif result.status == "diverged":
        sequences = "diverged"
    assert result.seconds is not None
    tested = f"{error:.3g}" if math.isfinite(error) else "–"
    return solved, sequences, tested, duration(result.seconds)


def label_of(value: Any) -> str:
    """A value of YAML in few characters.

    >>> label_of({"name": "forget", "value": 1.0}), label_of({"name": "chrono"}), label_of(0.001)
    ('forget(value=1.0)', 'chrono', '0.001')
    """
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return inline(value)
    rest = ", ".join(f"{key}={inline(each)}" for key, each in value.items() if key != "name")
    return f"{value['name']}({rest})" if rest else value["name"]


def width(page: Table) -> int:
    """Characters that the longest line of a table's rows takes in the terminal."""
    columns = zip(page.columns, *page.rows, strict=True)
    return sum(max(map(len, column)) + 2 for column in columns)


def short(keys: Sequence[str]) -> list[str]:
    """The last part of each dotted key, or all of it where two would read alike.

    >>> short(["train.seeds", "model.bias.value", "model.other.value"])
    ['seeds', 'model.bias.value', 'model.other.value']
    """
    ends = Counter(key.rpartition(".")[2] for key in keys)
    return [key if ends[end := key.rpartition(".")[2]] > 1 else end for key in keys]


def as_csv(results: Sequence[Result]) -> str:
    """Every figure of every cell, the keys in full."""
    text = io.StringIO()
    found = [figures(result) for result in results]
    keys = list(results[0].values)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *found[0]])
    for result, row in zip(results, found, strict=True):
        writer.writerow([*(inline(value) for value in result.values.values()), *row.values()])
    return text.getvalue()


def figures(result: Result) -> dict[str, Any]:
    """The figures of a cell by name; None, an empty field, for what there is not."""
    low, high = result.interval if result.finished else (None, None)
    needed = result.sequences
    return {
        "status": result.status,
        "seeds": result.seeds,
        "solved": result.solved if result.finished else None,
        "solved_low": low,
        "solved_high": high,
        "sequences_median": result.median_sequences if needed else None,
        "sequences_min": min(needed) if needed else None,
        "sequences_max": max(needed) if needed else None,
        "test_error_median": result.median_error if result.errors else None,
        "seconds": result.seconds,
        "trial": result.place.trial,
        "variant": result.place.variant,
    }
