"""How open the gates were while a model was trained, as its lines of metrics tell."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.report.figures.gates import NAMES
from experiments.report.figures.style import (
    INK,
    NARROW,
    WIDE,
    colours,
    new_figure,
    styled,
    thousands,
)


class Course(NamedTuple):
    """The mean of each gate of a cell over its units and steps, for N looks at S seeds."""

    title: str
    sequences: Sequence[int]
    """(N,) that had been trained on."""
    means: Mapping[str, np.ndarray]
    """(N, S) by the name of the gate; NaN where there was no number."""


@styled()
def gate_course(cells: Sequence[Course]) -> Figure:
    """A colour for each gate: thin for a seed, thick for the median over seeds."""
    figure = new_figure(NARROW if len(cells) == 1 else WIDE, 3.0)
    grid = figure.subplots(1, len(cells), sharey=True, squeeze=False)[0]
    labelled = {}
    for axes, cell in zip(grid, cells, strict=True):
        for (gate, means), colour in zip(cell.means.items(), colours(len(cell.means)), strict=True):
            if means.shape[1] > 1:
                axes.plot(cell.sequences, means, color=colour, alpha=0.3, linewidth=0.8)
            (line,) = axes.plot(
                cell.sequences, np.nanmedian(means, axis=1), color=colour, marker=".", linewidth=2
            )
            labelled[NAMES.get(gate, gate)] = line
        axes.set_ylim(0, 1)
        axes.set_title(cell.title, fontsize=9)
        axes.set_xlabel("training sequences")
        thousands(axes)
    grid[0].set_ylabel("mean of the gate")
    figure.suptitle("How open the gates are while it trains", x=0.01, ha="left", color=INK)
    figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=3)
    return figure
