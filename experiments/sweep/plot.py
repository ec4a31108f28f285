"""The picture of a sweep: solve rate and sequences to solve over what was swept.

One or two swept keys make the axes: the first along the picture, the second as lines. More of them,
or cells that do not fill the axes, make a row for each cell.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogFormatter, NullLocator, PercentFormatter

from experiments.config.writer import inline
from experiments.run.curves import COLOURS
from experiments.sweep.axes import Axis, found_axes, spans_decades
from experiments.sweep.results import Result
from experiments.sweep.table import label_of

MAX_LINES = 7
"""Of the palette's eight colours the yellow is too light for a line."""
MAX_ROWS = 60
APART = 0.012
"""Between markers of lines that would hide one another, as a share of the axis."""


def plot(results: Sequence[Result], title: str, path: Path) -> None:
    """Draw finished results, best first; `path` ends in .png."""
    axes = found_axes(results)
    shown = [axis for axis in axes if len(axis.values) > 1] or axes[:1]
    lines = 1 if len(shown) == 1 else min(len(axis.values) for axis in shown)
    points = {tuple(inline(each.values[axis.key]) for axis in shown) for each in results}
    if len(shown) <= 2 and lines <= MAX_LINES and len(points) == len(results):
        figure = _over_axes(results, shown)
    else:
        figure = _rows(results[:MAX_ROWS], axes)
        if len(results) > MAX_ROWS:
            title = f"{title}\nthe best {MAX_ROWS} of {len(results)} cells"
    figure.suptitle(title, fontsize=11, parse_math=False)
    figure.savefig(path)


def _over_axes(results: Sequence[Result], axes: Sequence[Axis]) -> Figure:
    """Along the picture goes the axis that is numeric and has more values."""
    along, *lines = sorted(axes, key=lambda axis: (not axis.numeric, -len(axis.values)))
    figure = Figure(figsize=(8, 6), layout="constrained", dpi=150)
    upper, lower = figure.subplots(2, sharex=True)
    groups = lines[0].values if lines else (None,)
    for number, group in enumerate(groups):
        chosen = [each for each in results if not lines or each.values[lines[0].key] == group]
        places = dict(zip(map(inline, along.values), along.positions(), strict=True))
        points = sorted((places[inline(each.values[along.key])], each) for each in chosen)
        label = label_of(group) if lines else None
        apart = (number - (len(groups) - 1) / 2) * APART
        for panel, vertical in ((upper, _rate), (lower, _sequences)):
            x = [along.moved(place, apart) for place, _ in points]
            y, below, above = zip(*(vertical(each) for _, each in points), strict=True)
            if along.logarithmic:
                panel.set_xscale("log")
            panel.errorbar(
                x, y, (below, above), color=COLOURS[number], label=label, marker="o",
                markersize=5, linewidth=1.4, elinewidth=1, capsize=2.5,
                linestyle="-" if along.numeric else "none",
            )  # fmt: skip
    _label_rate(upper.yaxis, upper)
    upper.set_ylabel("seeds that solved the task")
    lower.set_ylabel("sequences to solve")
    _scale_sequences(lower, results, "y")
    _along(lower, along)
    if lines:
        figure.legend(
            *upper.get_legend_handles_labels(), title=lines[0].name, loc="outside right upper",
            frameon=False, fontsize=8, title_fontsize=8,
        )  # fmt: skip
    return figure


def _rows(results: Sequence[Result], axes: Sequence[Axis]) -> Figure:
    """A row for each cell, the best one on top."""
    height = 1.6 + 0.26 * len(results)
    figure = Figure(figsize=(10, height), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2, sharey=True)
    rows = range(len(results))
    for panel, horizontal in ((left, _rate), (right, _sequences)):
        x, below, above = zip(*map(horizontal, results), strict=True)
        panel.errorbar(
            x, rows, xerr=(below, above), color=COLOURS[0], linestyle="none", marker="o",
            markersize=5, elinewidth=1, capsize=2.5,
        )  # fmt: skip
        panel.grid(axis="y", color="0.9", linewidth=0.8)
        panel.set_axisbelow(True)
    labels = [
        ", ".join(f"{axis.name} {label_of(each.values[axis.key])}" for axis in axes)
        for each in results
    ]
    left.set_yticks(rows, labels, fontsize=8, parse_math=False)
    left.set_ylim(len(results) - 0.5, -0.5)
    _label_rate(left.xaxis, left)
    left.set_xlabel("seeds that solved the task")
    right.set_xlabel("sequences to solve")
    _scale_sequences(right, results, "x")
    return figure


Point = tuple[float, float, float]
"""A value, and how far its error bar reaches below and above; NaN for what is not there."""


def _rate(result: Result) -> Point:
    low, high = result.interval
    return result.rate, max(0.0, result.rate - low), max(0.0, high - result.rate)


def _sequences(result: Result) -> Point:
    if not result.sequences:
        return math.nan, math.nan, math.nan
    median = result.median_sequences
    return median, median - min(result.sequences), max(result.sequences) - median


def _label_rate(axis: Any, panel: Axes) -> None:
    axis.set_major_formatter(PercentFormatter(1.0))
    set_limits = panel.set_ylim if axis is panel.yaxis else panel.set_xlim
    set_limits(-0.05, 1.05)


def _scale_sequences(panel: Axes, results: Sequence[Result], which: str) -> None:
    needed = [n for each in results for n in each.sequences]
    axis = panel.yaxis if which == "y" else panel.xaxis
    if not needed:
        panel.set(**{f"{which}ticks": []})
        panel.annotate(
            "no seed solved the task", (0.5, 0.5), xycoords="axes fraction", ha="center",
            color="0.4", fontsize=9,
        )  # fmt: skip
        return
    if spans_decades(needed):
        panel.set(**{f"{which}scale": "log"})
        axis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    else:
        (panel.set_ylim if which == "y" else panel.set_xlim)(0, 1.08 * max(needed))
    axis.set_major_formatter("{x:,.0f}")


def _along(panel: Axes, axis: Axis) -> None:
    """Name the values along the picture."""
    panel.set_xlabel(axis.name)
    if not axis.numeric:
        panel.set_xlim(-0.5, len(axis.values) - 0.5)
    if not axis.numeric or len(axis.values) <= 10:
        labels = [f"{v:g}" if axis.numeric else label_of(v) for v in axis.values]
        panel.xaxis.set_major_locator(FixedLocator(axis.positions()))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xticks(axis.positions(), labels, parse_math=False)
