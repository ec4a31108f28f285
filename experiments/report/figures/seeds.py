"""Sequences to solve, seed by seed: a row for each arm, beside what was published."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments.report.arms import Arm
from experiments.report.figures.style import (
    FAINT,
    INK,
    WIDE,
    colours,
    new_figure,
    styled,
    thousands,
)

ROW = 0.34
"""Inches."""


@styled()
def sequences_to_solve(arms: Sequence[Arm], published: float | None, source: str = "") -> Figure:
    """Filled: solved. Hollow: not solved within the sequences that the seed has seen."""
    figure = new_figure(WIDE, 1.5 + ROW * len(arms))
    axes = figure.add_subplot()
    axes.set_title("Sequences until the task was solved, each seed a dot")
    for row, (arm, colour) in enumerate(zip(arms, colours(len(arms)), strict=True)):
        for number, seed in enumerate(arm.seeds):
            spread = 0.0 if len(arm.seeds) == 1 else number / (len(arm.seeds) - 1) - 0.5
            solved = seed.needed is not None
            place = seed.seen if seed.needed is None else seed.needed
            axes.plot(
                place, row + 0.4 * spread, "o",
                color=colour, markerfacecolor=colour if solved else "none",
                markersize=6, alpha=0.85, clip_on=False,
            )  # fmt: skip
        if arm.needed:
            axes.plot([arm.median] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=1.6)
    axes.plot([], [], "o", color=FAINT, label="solved")
    if any(seed.needed is None for arm in arms for seed in arm.seeds):
        axes.plot([], [], "o", color=FAINT, markerfacecolor="none", label="not solved by then")
    if any(arm.needed for arm in arms):
        axes.plot([], [], color=INK, linewidth=1.6, label="median of the solved")
    if published is not None:
        label = f"published{f': {source}' if source else ''}"
        axes.axvline(published, color=FAINT, linestyle="--", linewidth=1, label=label)
    axes.set_xlabel("training sequences")
    thousands(axes)
    axes.set_yticks(range(len(arms)), [arm.label for arm in arms], color=INK)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(len(arms) - 0.5, -0.5)
    figure.legend(loc="outside lower center", ncols=4)
    return figure
