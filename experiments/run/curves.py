"""The learning curves of a run, drawn from what its directory holds."""

import json
import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from experiments.words import plural

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
"""Okabe and Ito's palette, told apart by colour-blind readers too."""
LEGEND_SIZE = 8
"""More seeds, or variants, than this are drawn alike, since their colours would repeat."""


def plot_curves(run: Path) -> Path:
    """Draw `curves.png` of a run directory: every seed, chance level and solve threshold."""
    summary = json.loads((run / "summary.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    figure = Figure(figsize=(8, 4.5), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    _draw_members(axes, summary, lines)
    levels = [(summary["chance"], "chance", "--"), (summary["threshold"], "solved below", ":")]
    for level, name, style in levels:
        if not level:  # no limit, or none wrong, which a logarithmic axis cannot show
            continue
        axes.axhline(level, color="0.4", linestyle=style, linewidth=1)
        axes.annotate(
            name, (1, level), (4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", color="0.3", fontsize=8,
        )  # fmt: skip
    solved = sum(summary["solved"])
    everyone = plural(len(summary["members"]), "member" if summary["variants"] else "seed")
    heading = f"{summary['title'] or run.name}\n{solved} of {everyone} solved"
    axes.set_title(heading, fontsize=10, parse_math=False)
    axes.set_xlabel("training sequences")
    axes.set_ylabel(summary["error"])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    path, partial = run / "curves.png", run / "curves.png.partial"
    figure.savefig(partial, format="png")
    return partial.replace(path)


def _draw_members(axes: Axes, summary: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    names, variants = summary["members"], summary["variants"]
    labels = [_words(keys) for keys in variants] or [name.replace("_", " ") for name in names]
    few, share = len(labels) <= LEGEND_SIZE, len(names) // len(labels)
    for place in range(len(names)):
        needed, kind = summary["sequences_to_solve"][place], place // share
        points = [
            (min(line["sequences"], needed or math.inf), line["error"][place])
            for line in lines
            if line["error"][place] is not None
        ] or [(math.nan, math.nan)]
        colour = COLOURS[kind] if few else COLOURS[0]
        label = labels[kind] if few and place % share == 0 else None
        axes.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.2)
        tested = [
            (line["sequences"], line["test_error"][place]) for line in lines if "test_error" in line
        ]
        if tested:
            label = "on held-out data" if place == len(names) - 1 else None
            axes.plot(*zip(*tested, strict=True), "o", color=colour, label=label, markersize=4)
        if needed:
            axes.plot(needed, points[-1][1], "*", color=colour, markersize=11)
    if few:
        axes.legend(frameon=False, fontsize=8)


def _words(keys: dict[str, Any]) -> str:
    """What sets a variant apart.

    >>> _words({"optimizer.learning_rate": 0.01, "train.first_seed": 3})
    'learning_rate 0.01, first_seed 3'
    """
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in keys.items())
