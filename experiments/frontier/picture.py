"""The picture of a climb: the solve rate over the lag, a panel for each task."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from experiments.frontier.study import Spot, Study
from experiments.frontier.table import in_words
from experiments.report.figures.style import FAINT, RULE, as_png, colours, new_figure, styled
from experiments.sweep.results import Result

MARKERS = "os^Dv"
APART = 3.0, 1.2
"""Points by which each model stands right of and below the one before, so that none is hidden."""


@styled()
def draw(study: Study, best: Mapping[Spot, Result], title: str, path: Path) -> None:
    """Draw what was found; `path` ends in .png."""
    figure = new_figure(9.0, 3.7)
    panels = figure.subplots(1, len(study.lags), sharey=True, squeeze=False)[0]
    lags = [lag for of_task in study.lags.values() for lag in of_task]
    for panel, (task, key) in zip(panels, study.keys.items(), strict=True):
        panel.set_title(in_words(task))
        panel.set_xscale("log")
        panel.set_xlim(min(lags) / 1.6, max(lags) * 1.6)
        panel.set_xlabel(f"lag ({key}, in steps)")
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.grid(axis="y", color=RULE, linewidth=0.5)
        panel.set_axisbelow(True)
        for place, model in enumerate(study.models):
            found = [
                (lag, best[spot])
                for lag in study.lags[task]
                if (spot := Spot(task, lag, model)) in best and best[spot].finished
            ]
            _line(panel, place, len(study.models), found)
    panels[0].set_ylim(-0.06, 1.06)
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylabel("seeds that solved the task")
    shades = colours(len(study.models))
    handles = [
        Line2D([], [], color=shade, marker=MARKERS[place % len(MARKERS)], markersize=5, label=model)
        for place, (shade, model) in enumerate(zip(shades, study.models, strict=True))
    ]
    none = Line2D(
        [], [], color=FAINT, marker="x", markersize=6, markeredgewidth=1.6, linestyle="none",
        label="solved by no seed: longer lags not run",
    )  # fmt: skip
    figure.legend(handles=[*handles, none], loc="outside lower center", ncols=3)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    as_png(figure, path)


def _line(panel: Axes, place: int, models: int, found: list[tuple[int, Result]]) -> None:
    """A model: its solve rate with 95% Wilson intervals, and a cross where it was given up."""
    if not found:
        return
    figure = panel.get_figure()
    assert figure is not None
    across, down = (points * (place - (models - 1) / 2) / 72 for points in APART)
    moved = panel.transData + ScaledTranslation(across, -down, figure.dpi_scale_trans)
    colour = colours(models)[place]
    lags = [lag for lag, _ in found]
    rates = [each.rate for _, each in found]
    spans = [each.interval for _, each in found]
    panel.plot(lags, rates, color=colour, transform=moved, zorder=3)
    panel.vlines(
        lags, *zip(*spans, strict=True), color=colour, alpha=0.4, linewidth=1, transform=moved
    )
    solved = [(lag, rate) for lag, rate in zip(lags, rates, strict=True) if rate > 0]
    given_up = [(lag, rate) for lag, rate in zip(lags, rates, strict=True) if rate == 0]
    marks = ((solved, MARKERS[place % len(MARKERS)], 4.5), (given_up, "x", 6.5))
    for points, marker, size in marks:
        panel.plot(
            [x for x, _ in points], [y for _, y in points], color=colour, marker=marker,
            markersize=size, markeredgewidth=1.6 if marker == "x" else 0.5, linestyle="none",
            transform=moved, zorder=4,
        )  # fmt: skip
