"""What gates and states do while a sequence passes: heat maps of all units under the input.

Units are sorted by how long they remember, longest above. Long sequences and wide layers are drawn
from means over neighbours, so that a picture stays readable and small.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from experiments.report.figures.style import (
    FAINT,
    GATE_MAP,
    INK,
    STATE_MAP,
    VERMILION,
    WIDE,
    colours,
    new_figure,
    styled,
)

MAX_STEPS, MAX_UNITS = 600, 64
"""Columns and rows of a heat map."""
NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z",
    "g": "candidate g",
    "n": "candidate n",
    "c": "cell state c",
    "h": "output h",
}
GATES = frozenset("iforz")
"""What lies between 0 and 1."""


class Signal(NamedTuple):
    """What a model reads, or what it says: a line for each channel, or tokens as dots."""

    title: str
    values: Mapping[str, np.ndarray]
    """(T,) each, by what it is called."""
    tokens: bool = False


@styled()
def gate_maps(
    traces: Mapping[str, np.ndarray],
    signals: Sequence[Signal],
    events: Sequence[int] = (),
    scales: np.ndarray | None = None,
    title: str = "What the gates and states do while a sequence passes",
) -> Figure:
    """Heat maps of `traces`, (T, H) each by name, below the signals, all over the same steps.

    `events` are steps that are marked, by a line and above each map; `scales` (H,) sort the units.
    """
    steps = len(next(iter(traces.values())))
    heights = [0.85] * len(signals) + [map_height(each.shape[1]) for each in traces.values()]
    figure = new_figure(WIDE, 0.9 + sum(heights) + 0.3 * len(heights))
    grid = figure.add_gridspec(len(heights), 2, width_ratios=[1, 0.014], height_ratios=heights)
    panels = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    for panel, signal in zip(panels, signals, strict=False):
        draw_signal(panel, signal)
        panel.set_xlim(-0.5, steps - 0.5)
    for row, (name, values) in enumerate(traces.items(), start=len(signals)):
        image = draw_map(panels[row], name, values, scales)
        bar = figure.colorbar(image, cax=figure.add_subplot(grid[row, 1]))
        finish_bar(bar.ax)
    for number, panel in enumerate(panels):
        for step in events:
            if number < len(signals):
                panel.axvline(step, color=VERMILION, linestyle=(0, (3, 2)), linewidth=0.9)
            else:  # above the map, as what happens there is to be seen
                at = blended_transform_factory(panel.transData, panel.transAxes)
                panel.plot(
                    [step], [1.06], "v", color=VERMILION, markersize=3.5, transform=at,
                    clip_on=False,
                )  # fmt: skip
    for panel in panels:
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    panels[-1].set_xlabel("step of time")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10, color=INK)
    return figure


def map_height(units: int) -> float:
    """Inches for a heat map of so many units."""
    return 0.55 + 0.5 * min(units, MAX_UNITS) / MAX_UNITS


def draw_signal(panel: Axes, signal: Signal) -> None:
    """The channels of a signal over time."""
    panel.set_title(signal.title, fontsize=9)
    if signal.tokens:
        panel.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    few = len(signal.values) <= 6
    shown = colours(len(signal.values))
    for (name, values), colour in zip(signal.values.items(), shown, strict=True):
        style: dict[str, Any] = {"linestyle": "none", "marker": "s", "markersize": 2.5}
        if not signal.tokens:
            style = {"linewidth": 1.0 if len(values) <= 300 else 0.5, "drawstyle": "steps-mid"}
        panel.plot(values, color=colour, label=name if few else None, **style)
    if few and len(signal.values) > 1:
        panel.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=6, borderaxespad=0)


def draw_map(
    panel: Axes, name: str, values: np.ndarray, scales: np.ndarray | None = None
) -> AxesImage:
    """One quantity of all units, a row each, over time."""
    steps, units = values.shape
    order = np.arange(units) if scales is None else np.argsort(-scales, kind="stable")
    small = shrunk(shrunk(values[:, order].T, MAX_STEPS, axis=1), MAX_UNITS, axis=0)
    colours = GATE_MAP if name in GATES else STATE_MAP
    image = panel.imshow(
        small, aspect="auto", interpolation="none", cmap=colours, norm=scale_of(name, values),
        extent=(-0.5, steps - 0.5, units - 0.5, -0.5),
    )  # fmt: skip
    panel.set_title(NAMES.get(name, name), fontsize=9, pad=9)
    panel.set_ylabel(f"{units} units", fontsize=8)
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)
    return image


def scale_of(name: str, values: np.ndarray) -> Normalize:
    """Gates from 0 to 1; all else around zero, but for the largest twentieth, as of a unit that is
    far off and would leave the others white.
    """
    if name in GATES:
        return Normalize(0.0, 1.0)
    finite = np.abs(values[np.isfinite(values)])
    most = float(np.quantile(finite, 0.95)) if finite.size else 1.0
    most = most or 1.0
    return Normalize(-most, most)


def finish_bar(axes: Axes) -> None:
    """A colour bar with few words."""
    axes.tick_params(labelsize=7, length=2, color=FAINT)
    axes.locator_params(nbins=3)
    for spine in axes.spines.values():
        spine.set_visible(False)


def shrunk(values: np.ndarray, most: int, axis: int) -> np.ndarray:
    """An array of at most so many entries along an axis, by means over neighbours."""
    count = values.shape[axis]
    if count <= most:
        return values
    starts = np.linspace(0, count, most, endpoint=False).round().astype(int)
    sums = np.add.reduceat(values, starts, axis=axis)
    sizes = np.diff(np.append(starts, count))
    return sums / np.expand_dims(sizes, tuple(a for a in range(values.ndim) if a != axis % 2))
