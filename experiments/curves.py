"""The learning curves of a run, drawn from what its directory holds."""

import json
import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
"""Okabe and Ito's palette, told apart by colour-blind readers too."""
LEGEND_SEEDS = 8
"""More seeds than this are drawn alike, since their colours would repeat."""


def plot_curves(run: Path) -> Path:
    """Draw `curves.png` of a run directory: every seed, chance level and solve threshold."""
    summary = json.loads((run / "summary.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    figure = Figure(figsize=(8, 4.5), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    _draw_seeds(axes, summary, lines)
    axes.axhline(summary["chance"], color="0.4", linestyle="--", linewidth=1)
    axes.axhline(summary["threshold"], color="0.4", linestyle=":", linewidth=1)
    for level, name in ((summary["chance"], "chance"), (summary["threshold"], "solved below")):
        axes.annotate(
            name, (1, level), (4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", color="0.3", fontsize=8,
        )  # fmt: skip
    solved = sum(summary["solved"])
    heading = f"{summary['title'] or run.name}\n{solved} of {len(summary['seeds'])} seeds solved"
    axes.set_title(heading, fontsize=10, parse_math=False)
    axes.set_xlabel("training sequences")
    axes.set_ylabel(summary["error"])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    path = run / "curves.png"
    figure.savefig(path)
    return path


def _draw_seeds(axes: Axes, summary: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    seeds = summary["seeds"]
    few = len(seeds) <= LEGEND_SEEDS
    for place, seed in enumerate(seeds):
        needed = summary["sequences_to_solve"][place]
        points = [
            (min(line["sequences"], needed or math.inf), line["error"][place])
            for line in lines
            if line["error"][place] is not None
        ] or [(math.nan, math.nan)]
        colour = COLOURS[place] if few else COLOURS[0]
        label = f"seed {seed}" if few else None
        axes.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.2)
        tested = [
            (line["sequences"], line["test_error"][place]) for line in lines if "test_error" in line
        ]
        if tested:
            label = "on held-out data" if place == 0 else None
            axes.plot(*zip(*tested, strict=True), "o", color=colour, label=label, markersize=4)
        if needed:
            axes.plot(needed, points[-1][1], "*", color=colour, markersize=11)
    if few:
        axes.legend(frameon=False, fontsize=8)
