"""How far back the states know their inputs: a memory curve (Jaeger 2001)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.report.figures.style import FAINT, NARROW, colours, new_figure, styled


@styled()
def memory_curve(
    lags: np.ndarray, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
) -> Figure:
    """R² of reading the input of so many steps ago off the states; a colour for each cell."""
    figure = new_figure(NARROW, 3.0)
    axes = figure.add_subplot()
    for (name, values), colour in zip(before.items(), colours(len(before)), strict=True):
        cell = f"{name}, " if len(before) > 1 else ""
        for when, shown, style in (("before", values, "--"), ("after", after[name], "-")):
            axes.plot(
                lags, np.clip(shown, 0, 1), style, color=colour, marker="o", markersize=2.5,
                label=f"{cell}{when} training",
            )  # fmt: skip
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.set_ylim(-0.02, 1.05)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("How well a linear readout finds the input of k steps ago")
    axes.set_xlabel("k, steps back")
    axes.set_ylabel("R² (1: exactly)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
