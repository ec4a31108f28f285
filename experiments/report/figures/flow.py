"""The gradient on its way back through time: how much of it is left k steps before the loss."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.report.figures.style import (
    BLUE,
    FAINT,
    INK,
    NARROW,
    VERMILION,
    WIDE,
    log_values,
    new_figure,
    styled,
)

FLOOR, CEILING = 1e-12, 1e6
"""Of what is drawn: beyond it a gradient is nothing, or everything."""
COLUMNS = 4


class Trace(NamedTuple):
    """The norms of a gradient by lag, on the way back from the last scored step."""

    name: str
    """"c" or "h", of which state."""
    after: bool
    """Whether the model was trained."""
    norms: np.ndarray
    """(T,), lag 0 first."""


class Panel(NamedTuple):
    """What stands in one set of axes."""

    title: str
    traces: Sequence[Trace]


@styled()
def gradient_flow(panels: Sequence[Panel], lag: int | None = None) -> Figure:
    """Norms relative to that at lag 0, all panels over the same axes.

    `lag` is that of the task's longest dependency.
    """
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    width = NARROW if columns == 1 else WIDE
    figure = new_figure(width, 0.9 + (2.6 if columns < 3 else 2.2) * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    shown = set()
    for axes, panel in zip(grid.flat, panels, strict=False):
        axes.set_title(panel.title, fontsize=9)
        for trace in sorted(panel.traces, key=lambda each: each.after):
            relative = relative_norms(trace.norms)
            relative[relative == 0] = FLOOR / 10  # a line that leaves the picture
            label = f"{trace.name}, {'after' if trace.after else 'before'} training"
            axes.plot(
                relative, color=BLUE if trace.name == "c" else VERMILION,
                linestyle="-" if trace.after else (0, (2, 1.5)),
                linewidth=1.8 if trace.after else 1.1,
                label=None if label in shown else label,
            )  # fmt: skip
            shown.add(label)
        if lag is not None and lag > 1:
            axes.axvline(lag, color=FAINT, linestyle=":", linewidth=0.9)
        log_values(axes, powers=True)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    low, high = limits([each.norms for panel in panels for each in panel.traces])
    grid[0, 0].set_ylim(low, high)
    grid[0, 0].set_xlim(left=0)
    for axes in grid[:, 0]:
        axes.set_ylabel("gradient norm, relative")
    for axes in grid[-1]:
        axes.set_xlabel("steps back from the loss")
    figure.suptitle(
        "How much of the gradient is left on its way back through time",
        x=0.01, ha="left", fontsize=10, color=INK,
    )  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2 if columns == 1 else 4)
    return figure


def relative_norms(norms: np.ndarray) -> np.ndarray:
    """Norms as shares of that at the shortest lag where there is one; NaN before it."""
    norms = np.asarray(norms, float)
    usable = np.flatnonzero(np.isfinite(norms) & (norms > 0))
    relative = np.full(norms.shape, np.nan)
    if usable.size:
        relative[usable[0] :] = norms[usable[0] :] / norms[usable[0]]
    return relative


def limits(norms: Sequence[np.ndarray]) -> tuple[float, float]:
    """What the y axis has to span: the relative norms, within `FLOOR` and `CEILING`."""
    values = np.concatenate([relative_norms(each) for each in norms])
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return 0.1, 10.0
    return max(FLOOR, values.min() / 2), min(CEILING, max(values.max() * 2, 2.0))
