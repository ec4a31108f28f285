"""A text model at work: what it has read, what it expects next, and its states beneath."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from experiments.report.figures.gates import draw_map, finish_bar, map_height
from experiments.report.figures.style import FAINT, INK, VERMILION, WIDE, new_figure, styled

TOP = 4
"""Guesses that are shown of each step."""
GUESSES = LinearSegmentedColormap.from_list("guesses", ["#f3f1ea", "#56B4E9"])
DARK = "#10151a"
"""Ink on a guess, whose ground is light on a dark page too."""


class Reading(NamedTuple):
    """A stretch of text as a model reads it."""

    text: str
    """T characters."""
    following: str
    """The T characters that come next."""
    probabilities: np.ndarray
    """(T, V) of the next character."""
    alphabet: str


@styled()
def read_text(
    reading: Reading, traces: Mapping[str, np.ndarray], scales: np.ndarray | None = None
) -> Figure:
    """Characters, the likeliest next ones darker the likelier, and heat maps of the states."""
    heights = [0.2 * (TOP + 1), 0.45, *(map_height(each.shape[1]) for each in traces.values())]
    figure = new_figure(WIDE * 1.15, 1.0 + sum(heights) + 0.3 * len(heights))
    grid = figure.add_gridspec(len(heights), 2, width_ratios=[1, 0.014], height_ratios=heights)
    panels = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    _guesses(panels[0], reading)
    _surprise(panels[1], reading)
    for row, (name, values) in enumerate(traces.items(), start=2):
        image = draw_map(panels[row], name, values, scales)
        finish_bar(figure.colorbar(image, cax=figure.add_subplot(grid[row, 1])).ax)
    for panel in panels:
        panel.set_xlim(-0.5, len(reading.text) - 0.5)
        panel.set_xticks([])
    panels[-1].set_xticks(range(len(reading.text)), map(visible, reading.text))
    panels[-1].tick_params(axis="x", length=0, labelsize=7, labelfontfamily="DejaVu Sans Mono")
    panels[-1].set_xlabel("the characters read, one a step")
    figure.suptitle(
        "What the model reads, and what it expects next", x=0.01, ha="left", fontsize=10, color=INK
    )
    return figure


def _guesses(panel: Axes, reading: Reading) -> None:
    shown: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "family": "DejaVu Sans Mono",
        "fontsize": 7.5,
    }
    best = np.argsort(-reading.probabilities, axis=1, kind="stable")[:, :TOP]
    ranked = np.take_along_axis(reading.probabilities, best, axis=1).T
    panel.imshow(
        ranked, aspect="auto", interpolation="none", cmap=GUESSES, vmin=0, vmax=1,
        extent=(-0.5, len(reading.text) - 0.5, best.shape[1] + 0.5, 0.5),
    )  # fmt: skip
    for step, (read, following) in enumerate(zip(reading.text, reading.following, strict=True)):
        panel.text(step, 0, visible(read), color=INK, weight="bold", **shown)
        for row, token in enumerate(best[step], start=1):
            guess = reading.alphabet[token]
            right = guess == following
            panel.text(
                step, row, visible(guess), color=DARK if right else "#4d555c",
                weight="bold" if right else "normal", **shown,
            )  # fmt: skip
    panel.set_ylim(best.shape[1] + 0.5, -0.5)
    panel.set_yticks(
        range(best.shape[1] + 1), ["read", "1st guess", "2nd", "3rd", "4th"][: best.shape[1] + 1]
    )
    panel.tick_params(axis="y", length=0)
    panel.set_title("likeliest next characters; bold: the one that came", fontsize=9)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _surprise(panel: Axes, reading: Reading) -> None:
    places = [reading.alphabet.index(character) for character in reading.following]
    given = reading.probabilities[np.arange(len(places)), places]
    bits = -np.log2(np.maximum(given, 1e-9))
    panel.bar(np.arange(len(bits)), bits, color=VERMILION, width=0.7)
    panel.set_title("surprise at the character that came", fontsize=9)
    panel.set_ylabel("bits", fontsize=8)
    panel.locator_params(axis="y", nbins=3)
    panel.spines["bottom"].set_color(FAINT)


def visible(character: str) -> str:
    r"""A character as something that can be seen.

    >>> [visible(each) for each in ("a", " ", "\n", "\x00")]
    ['a', '·', '↵', '▯']
    """
    known = {" ": "·", "\n": "↵", "\t": "→"}
    return known.get(character) or (character if character.isprintable() else "▯")
