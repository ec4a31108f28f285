"""The rows of a recipe as a table, for a reader and for a program, and what they come to."""

import csv
import io
import math
import statistics
from collections.abc import Sequence
from typing import Any

from experiments.reproduce.rows import Row, digits_of
from experiments.sweep.results import programs
from experiments.table import Table
from experiments.words import digits, duration, plural

NOTE = (
    "solved: seeds, and the 95% Wilson interval of their share. sequences: trained on until the "
    "task was solved, the mean over the seeds that solved it, and Student's 95% interval of the "
    "mean. paper/ours: of the sequences. test error: the median of the seeds, or at best. time: of "
    "the program."
)
SHARED = "Rows that one program trained have the same time."
NOTHING = "–"


def table(rows: Sequence[Row], title: str, summary: Sequence[str]) -> Table:
    """A line for each row, in the order given; the summary below them."""
    columns = ("row", "paper", "solved", "sequences", "paper/ours", "test error", "time", "verdict")
    shared = len(programs(row.result for row in rows)) < sum(row.result.finished for row in rows)
    notes = (*summary, f"{NOTE} {SHARED}" if shared else NOTE)
    return Table(title, columns, [_line(row) for row in rows], notes, ("verdict",))


def _line(row: Row) -> tuple[str, ...]:
    return row.name, paper(row), *_ours(row), row.verdict


def paper(row: Row) -> str:
    """What the paper has of a row: share of trials that solved it, sequences, error."""
    found = row.published
    parts = [] if found.solve_rate is None else [f"{found.solve_rate:.0%}"]
    parts += [] if found.sequences is None else [f"{found.sequences:,.0f}"]
    parts += [] if found.error is None else [_of_best(row, f"error {digits_of(found.error)}")]
    return ", ".join(parts) or NOTHING


def _of_best(row: Row, error: str) -> str:
    return f"{error} at best" if row.published.best else error


def _ours(row: Row) -> tuple[str, ...]:
    result = row.result
    if not result.finished:
        return (NOTHING,) * 5
    low, high = result.interval
    solved = f"{result.solved}/{result.seeds} ({100 * low:.0f}–{high:.0%})"
    sequences = f"{row.mean:,.0f}" if result.sequences else NOTHING
    if row.interval is not None:
        sequences += f" [{row.interval[0]:,.0f}, {row.interval[1]:,.0f}]"
    ratio = NOTHING if row.ratio is None else digits(row.ratio)
    error = _of_best(row, digits_of(row.error)) if result.errors else NOTHING
    assert result.seconds is not None
    return solved, sequences, ratio, error, duration(result.seconds)


def summarised(rows: Sequence[Row]) -> str:
    """What the rows come to, in a sentence or two."""
    parts = [f"every seed solved {_of(sum(row.all_solved for row in rows), len(rows))}"]
    if published := [row for row in rows if row.has_figures]:
        reaching = sum(not row.shortfalls for row in published)
        parts.append(f"{_of(reaching, len(published))} reach the paper")
    if ratios := [row.ratio for row in rows if row.ratio is not None]:
        mean = digits(statistics.geometric_mean(ratios))
        parts.append(
            f"the geometric mean of paper/ours is {mean}, over {plural(len(ratios), 'row')}"
        )
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _of(count: int, rows: int) -> str:
    return f"{count} of {plural(rows, 'row')} ({count / rows:.0%})"


def as_csv(rows: Sequence[Row]) -> str:
    """Every figure of every row, its unit in its name; empty where there is none."""
    text = io.StringIO()
    figures = [_figures(row) for row in rows]
    writer = csv.DictWriter(text, list(figures[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(figures)
    return text.getvalue()


def _figures(row: Row) -> dict[str, Any]:
    published, result = row.published, row.result
    low, high = result.interval if result.finished else (None, None)
    mean_low, mean_high = row.interval or (None, None)
    return {
        "row": row.name,
        "source": published.source,
        "paper_solve_rate": published.solve_rate,
        "paper_sequences": published.sequences,
        "paper_test_error": published.error,
        "paper_test_error_is_of_the_best_trial": published.best,
        "status": result.status,
        "seeds": result.seeds,
        "seeds_solved": result.solved if result.finished else None,
        "solve_rate": result.rate if result.finished else None,
        "solve_rate_low_95": low,
        "solve_rate_high_95": high,
        "sequences_mean": None if math.isnan(row.mean) else row.mean,
        "sequences_mean_low_95": mean_low,
        "sequences_mean_high_95": mean_high,
        "sequences_of_seeds_that_solved": " ".join(map(str, result.sequences)),
        "sequences_at_most": row.limit,
        "paper_over_our_sequences": row.ratio,
        "test_error_median": result.median_error if result.errors else None,
        "test_error_best": min(result.errors, default=None),
        "test_error_unit": row.unit,
        "wall_seconds": result.seconds,
        "trial": result.place.trial,
        "variant": result.place.variant,
        "falls_short": bool(row.shortfalls),
        "verdict": row.verdict,
    }
