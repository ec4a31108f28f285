"""What was learnt: errors over training sequences, with chance and the threshold of success."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report.arms import Arm, Levels, Point
from experiments.report.figures.style import (
    BLUE,
    FAINT,
    NARROW,
    WIDE,
    colours,
    level,
    log_values,
    new_figure,
    styled,
    thousands,
)

FEW = 6
"""Seeds that have a colour each."""


@styled()
def learning_curves(arms: Sequence[Arm], levels: Levels) -> Figure:
    """Each seed of an only arm; of several arms each seed, thin, in the colour of its arm, and
    the median over seeds.
    """
    figure = new_figure(WIDE if len(arms) > 1 else NARROW, 3.4)
    axes = figure.add_subplot()
    if len(arms) == 1:
        _seeds(axes, arms[0])
    else:
        _arms(axes, arms)
    if levels.chance is not None:
        level(axes, levels.chance, "chance")
    if levels.threshold:  # a logarithmic axis shows no zero
        level(axes, levels.threshold, "solved below", ":")
    axes.set_title("How the error falls in training")
    axes.set_xlabel("training sequences")
    axes.set_ylabel(levels.error)
    log_values(axes)
    thousands(axes)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=3 if len(arms) == 1 else 5)
    return figure


def _seeds(axes: Axes, arm: Arm) -> None:
    few = len(arm.seeds) <= FEW
    shown = colours(len(arm.seeds))
    for seed, colour in zip(arm.seeds, shown, strict=True):
        curve = _visible(seed.curve.error)
        axes.plot(
            *_columns(curve), color=colour, label=seed.name if few else None,
            alpha=1 if few else 0.55, linewidth=1.4 if few else 1, marker=_marker(curve),
        )  # fmt: skip
        if seed.needed is not None and curve:
            axes.plot(*curve[-1], marker="*", color=colour, markersize=10)
        if seed.curve.held_out:
            points = _columns(_visible(seed.curve.held_out))
            axes.plot(*points, "o", color=colour, markersize=4, markerfacecolor="none")
    if not few:
        axes.plot([], [], color=BLUE, alpha=0.55, label=f"{len(arm.seeds)} seeds")
    if arm.needed:
        axes.plot([], [], "*", color=FAINT, markersize=9, label="solved")
    if any(seed.curve.held_out for seed in arm.seeds):
        axes.plot(
            [], [], "o", color=FAINT, markersize=4, markerfacecolor="none", label="held-out data"
        )


def _arms(axes: Axes, arms: Sequence[Arm]) -> None:
    shown = colours(len(arms))
    for arm, colour in zip(arms, shown, strict=True):
        curves = [_visible(seed.curve.error) for seed in arm.seeds]
        for seed, curve in zip(arm.seeds, curves, strict=True):
            axes.plot(
                *_columns(curve), color=colour, alpha=0.3, linewidth=0.8, marker=_marker(curve)
            )
            if seed.needed is not None and curve:
                axes.plot(*curve[-1], marker="*", color=colour, markersize=7)
        label = arm.label if len(arms) <= FEW else None
        axes.plot(*_columns(median_curve(curves)), color=colour, linewidth=2, label=label)


def median_curve(curves: Sequence[Sequence[Point]]) -> list[Point]:
    """The median over seeds, where a seed that has stopped stays at its last error."""
    if not any(curves):
        return []
    places = sorted({x for curve in curves for x, _ in curve})
    held = [_held(curve, places) for curve in curves if curve]
    return list(zip(places, np.median(held, axis=0).tolist(), strict=True))


def _held(curve: Sequence[Point], places: Sequence[float]) -> list[float]:
    xs, ys = zip(*curve, strict=True)
    at = np.clip(np.searchsorted(xs, places, side="right") - 1, 0, None)
    return np.asarray(ys)[at].tolist()


def _visible(curve: Sequence[Point]) -> list[Point]:
    """Points that a logarithmic axis can show."""
    return [(x, y) for x, y in curve if y > 0 and math.isfinite(y)]


def _marker(curve: Sequence[Point]) -> str:
    """What a curve of a single point is seen by."""
    return "." if len(curve) == 1 else ""


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
