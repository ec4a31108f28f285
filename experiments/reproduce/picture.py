"""The picture of a recipe: the paper's sequences and ours, a line for each row.

Rows of which the paper has an error and nothing else stand in a panel of their own, over the error.
"""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments.report.figures.style import (
    BLUE,
    FAINT,
    INK,
    RULE,
    VERMILION,
    WIDE,
    as_png,
    new_figure,
    styled,
)
from experiments.reproduce.rows import Row
from experiments.words import digits

Style = dict[str, Any]
"""Settings of a matplotlib line."""

LINE, AROUND, HEAD = 0.27, 0.75, 0.85
"""Inches: of a row, around the rows of a panel, and for title and legend."""
TITLE = 85
"""Characters of a line of it."""
BELOW, ABOVE = 0.25, 0.1
"""In rows: how far the dots of seeds lie below their mean; room above the first row."""
COLUMNS = {"paper\nsolved": 42, "ours\nsolved": 80, "paper/\nours": 118}
"""Right of the axes, and how many points the right end of each is from there."""
PAPER: Style = {"marker": "D", "markersize": 6.5, "color": VERMILION, "markerfacecolor": "none"}
OURS: Style = {"marker": "o", "markersize": 5, "color": BLUE}
SEEDS: Style = {"marker": "o", "markersize": 3.2, "color": BLUE, "alpha": 0.4, "markeredgewidth": 0}
INTERVAL: Style = {"color": BLUE, "linewidth": 1.8, "solid_capstyle": "butt"}


class Line(NamedTuple):
    """What is drawn of a row."""

    row: Row
    paper: float | None
    ours: float | None
    interval: tuple[float, float] | None
    seeds: tuple[float, ...]
    unsolved: str
    """What to say where there is nothing of ours."""


@styled()
def draw(rows: Sequence[Row], title: str, path: Path) -> None:
    """Draw the rows in their order; `path` ends in .png."""
    lines = [line_of(row) for row in rows]
    panels = {
        name: kept
        for name, is_error in ((SEQUENCES, False), (error_label(rows), True))
        if (kept := [line for line in lines if by_error(line.row) == is_error])
    }
    figure = new_figure(WIDE, HEAD + AROUND * len(panels) + LINE * len(rows))
    shares = [len(panel) + ABOVE for panel in panels.values()]
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=shares)[:, 0]
    for axes, (name, panel) in zip(grid, panels.items(), strict=True):
        _draw_panel(axes, panel)
        axes.set_xlabel(name)
    if SEQUENCES in panels:
        _draw_columns(grid[0], panels[SEQUENCES])
    figure.suptitle(textwrap.fill(title, TITLE), x=0.01, ha="left", fontsize=11, color=INK)
    figure.legend(handles=_legend(lines), loc="outside lower center", ncols=4)
    as_png(figure, path)


SEQUENCES = "training sequences until the task was solved"


def _kind(row: Row) -> str:
    """What the mark of a row stands for."""
    if not by_error(row):
        return "mean"
    return "best" if row.published.best else "median"


def error_label(rows: Sequence[Row]) -> str:
    """What the panel of errors is drawn over."""
    units = dict.fromkeys(row.unit for row in rows if by_error(row))
    return f"{', '.join(units)} on test data"


def by_error(row: Row) -> bool:
    """Whether the paper has an error of the row and nothing else."""
    paper = row.published
    return paper.error is not None and paper.sequences is None and paper.solve_rate is None


def line_of(row: Row) -> Line:
    """What is drawn of a row; on logarithmic axes there is no place for 0."""
    result = row.result
    if by_error(row):
        errors = tuple(error for error in result.errors if error > 0)
        middle = row.error
        ours = middle if 0 < middle < math.inf else None
        none = "error 0" if middle == 0 else "no finite error"
        interval, paper = None, row.published.error
    else:
        errors, interval, paper = result.sequences, row.interval, row.published.sequences
        ours = row.mean if result.sequences else None
        none = f"no seed solved it in {row.limit:,}"
    if result.status == "diverged":
        none = "every seed diverged"
    elif not result.finished:
        none = "no result"
    return Line(row, paper or None, ours, interval, errors, none)


def _draw_panel(axes: Axes, lines: Sequence[Line]) -> None:
    low, high = _limits(lines)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    form = "{x:,.0f}" if low >= 1 else "{x:g}"
    axes.xaxis.set_major_formatter(form)
    axes.xaxis.set_minor_formatter(lambda x, _: form.format(x=x) if _named(x, high / low) else "")
    for place, line in enumerate(lines):
        axes.axhline(place, color=RULE, linewidth=0.5, zorder=0)
        _draw_line(axes, place, line, math.sqrt(low * high))
    axes.set_yticks(range(len(lines)), [line.row.name for line in lines], color=INK)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", which="both", length=3)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(lines) - 0.5, -0.5 - ABOVE)


def _draw_line(axes: Axes, place: int, line: Line, middle: float) -> None:
    paper, ours = line.paper, line.ours
    axes.plot(line.seeds, [place + BELOW] * len(line.seeds), linestyle="none", **SEEDS)
    if line.interval is not None:
        low, high = line.interval
        axes.plot([max(low, 1e-9), high], [place, place], **INTERVAL)
    if paper is not None:
        axes.plot(paper, place, linestyle="none", zorder=4, **PAPER)
    if ours is not None:
        axes.plot(ours, place, linestyle="none", zorder=5, **OURS)
        return
    left = paper is None or paper > middle  # the words stand where the paper's mark does not
    axes.annotate(
        line.unsolved, (0 if left else 1, place), (3 if left else -3, 0),
        xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8, color=FAINT,
        ha="left" if left else "right", va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def _draw_columns(axes: Axes, lines: Sequence[Line]) -> None:
    """Solve rates and ratios; what falls short is marked by its colour."""
    for place, line in enumerate(lines):
        row, rate = line.row, line.row.published.solve_rate
        result, ratio = row.result, row.ratio
        texts = (
            ("–" if rate is None else f"{rate:.0%}", FAINT),
            (f"{result.solved}/{result.seeds}" if result.finished else "–",
             INK if row.often_enough else VERMILION),
            ("–" if ratio is None else digits(ratio),
             VERMILION if ratio is not None and ratio < 1 else INK),
        )  # fmt: skip
        for offset, (text, colour) in zip(COLUMNS.values(), texts, strict=True):
            _beside(axes, place, offset, text, colour)
    for name, offset in COLUMNS.items():
        _beside(axes, -1 - ABOVE, offset, name, FAINT)


def _beside(axes: Axes, place: float, offset: float, text: str, colour: str) -> None:
    axes.annotate(
        text, (1, place), (offset, 0), xycoords=("axes fraction", "data"), fontsize=8,
        textcoords="offset points", ha="right", va="center", color=colour, annotation_clip=False,
    )  # fmt: skip


def _limits(lines: Sequence[Line]) -> tuple[float, float]:
    """The ends of the axis; wide intervals of few seeds reach beyond them."""
    values = [value for line in lines for value in (line.paper, line.ours, *line.seeds) if value]
    if not values:
        return 1.0, 10.0
    low, high = min(values), max(values)
    reach = [line.interval[1] for line in lines if line.interval]
    high = max(high, min(max(reach, default=0), 2 * high))
    apart = max(1.15 if high > low else 2, (high / low) ** 0.04)
    return low / apart, high * apart


def _named(tick: float, span: float) -> bool:
    """Whether a tick between powers of ten has a label, on an axis of which the ends are so far
    apart.

    >>> [_named(tick, 10) for tick in (200, 400)], _named(200, 1000), _named(0.4, 3)
    ([True, False], False, True)
    >>> [_named(tick, 3) for tick in (700, 800, 900)]
    [False, True, False]
    """
    digit = int(f"{tick:.0e}"[0])
    return (span < 5 and digit not in (7, 9)) or (span < 50 and digit in (2, 5))


def _legend(lines: Sequence[Line]) -> list[Artist]:
    seeds = any(line.seeds for line in lines)
    kinds = dict.fromkeys(_kind(line.row) for line in lines)
    ours = f"ours, {' or '.join(kinds)}"
    handles: list[Artist] = [Line2D([], [], linestyle="none", label="paper", **PAPER)]
    if seeds:
        handles.append(Line2D([], [], linestyle="none", label=ours, **OURS))
    if any(line.interval for line in lines):
        handles.append(Line2D([], [], label="its 95% interval", **INTERVAL))
    if seeds:
        handles.append(Line2D([], [], linestyle="none", label="a seed", **SEEDS))
    return handles
