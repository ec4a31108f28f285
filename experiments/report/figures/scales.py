"""How long each unit remembers: time scales before and after training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.report.figures.style import (
    BLUE,
    FAINT,
    INK,
    NARROW,
    WIDE,
    level,
    log_values,
    new_figure,
    styled,
)

MOST = 1e5
"""Steps; whoever remembers longer is drawn here."""


class Scales(NamedTuple):
    """The time scales of a layer's units, in steps: (H,) each."""

    title: str
    before: np.ndarray
    after: np.ndarray


@styled()
def time_scales(layers: Sequence[Scales], lag: int | None = None) -> Figure:
    """A column for each unit, those that remember longest after training first."""
    figure = new_figure(NARROW if len(layers) == 1 else WIDE, 3.2)
    grid = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    for axes, layer in zip(grid, layers, strict=True):
        order = np.argsort(-layer.after, kind="stable")
        before, after = (np.minimum(each[order], MOST) for each in (layer.before, layer.after))
        places, small = np.arange(1, len(order) + 1), len(order) > 40
        axes.vlines(places, before, after, color=FAINT, linewidth=0.6 if small else 1, alpha=0.5)
        size = 2.2 if small else 4.5
        axes.plot(
            places, before, "o", color=FAINT, markerfacecolor="none", markersize=size,
            label="before training",
        )  # fmt: skip
        axes.plot(places, after, "o", color=BLUE, markersize=size, label="after training")
        axes.set_title(layer.title, fontsize=9)
        axes.set_xlabel("units, longest memory first")
        log_values(axes)
        if lag is not None and lag > 1:
            level(axes, lag, "lag of\nthe task" if axes is grid[-1] else "", ":")
    grid[0].set_ylabel("time scale, steps")
    figure.suptitle(
        "How long each unit keeps what it holds", x=0.01, ha="left", fontsize=10, color=INK
    )
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
