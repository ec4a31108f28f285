"""What makes the figures one family: colours, sizes, fonts, and how they are written.

Every colour of ink and lines is one of `COLOURS`, by which the page's SVG is told apart from the
light of its surroundings: `as_svg` turns them into CSS variables, which have other values in the
dark. A PNG has them as they are, on white.
"""

import html
import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, NullFormatter

from experiments.run.curves import COLOURS as PALETTE

INK, FAINT, RULE, PAPER = "#1b1e22", "#5c636b", "#c9ced3", "#fdfcf9"
BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE = PALETTE[:6]
COLOURS = {
    "ink": INK,
    "faint": FAINT,
    "rule": RULE,
    "paper": PAPER,
    "blue": BLUE,
    "vermilion": VERMILION,
    "green": GREEN,
    "purple": PURPLE,
    "sky": SKY,
    "orange": ORANGE,
}
"""By the name of their variable; the series are Okabe and Ito's, which all can tell apart."""
SERIES = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE)

GATE_MAP, STATE_MAP = "cividis", "PuOr"
"""Maps of shares from 0 to 1, and of values on either side of zero; for all eyes as well."""

NARROW, WIDE = 4.8, 8.4
"""Inches: a figure that a phone shows whole, and one that scrolls there."""
LARGEST = 1.3
"""How far a page may enlarge a figure."""
STYLE: dict[Any, Any] = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelsize": 8,
    "ytick.color": FAINT,
    "ytick.labelsize": 8,
}
"""As matplotlib's settings; names of runs and characters of texts are never formulas."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches; to be made, and drawn on, in `styled`."""
    return Figure(figsize=(width, height), layout="constrained")


@contextmanager
def styled() -> Iterator[None]:
    """The context, also a decorator, in which figures are made and written."""
    with mpl.rc_context(STYLE):
        yield


def as_svg(figure: Figure, name: str, title: str) -> str:
    """A figure as an SVG element for a page: it scales, follows the page's colours, has no ids
    that another one has, and says in words what it shows.
    """
    text = io.StringIO()
    with _writing(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<[^>]+>", lambda tag: _for_page(tag[0], name), svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    width = figure.get_size_inches()[0] * 96 * LARGEST
    head = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {view[0]} role="img" '
        f'aria-labelledby="{name}-alt" style="max-width: {width:.0f}px">'
        f'<title id="{name}-alt">{html.escape(title)}</title>'
    )
    return head + svg[svg.index(">") + 1 :]


def names_in(page: str) -> list[str]:
    """The names of the figures that a page has as SVG.

    >>> names_in('<svg role="img" aria-labelledby="gates-1-alt" style="">')
    ['gates-1']
    """
    return re.findall(r'<svg [^>]*aria-labelledby="([\w-]+)-alt"', page)


def _for_page(tag: str, name: str) -> str:
    """A tag with ids of its figure's own, and colours as variables of the page."""
    tag = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", tag)
    for variable, colour in COLOURS.items():
        tag = re.sub(colour, f"var(--{variable})", tag, flags=re.IGNORECASE)
    return tag


@contextmanager
def _writing() -> Iterator[None]:
    """The settings of the family; a character that its font lacks is shown as a box."""
    with styled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def as_png(figure: Figure, path: Path) -> None:
    """Write a figure for slides and papers."""
    with _writing():
        figure.savefig(path, format="png", dpi=200, facecolor="white")


def colours(count: int) -> list[str]:
    """A colour for each of so many series; beyond those that can be told apart all are alike."""
    return list(SERIES[:count]) if count <= len(SERIES) else [BLUE] * count


def level(axes: Axes, value: float, name: str, style: str = "--") -> None:
    """A horizontal line, and its name beside it, right of the axes."""
    axes.axhline(value, color=FAINT, linestyle=style, linewidth=0.9, zorder=1)
    axes.annotate(
        name, (1, value), (4, 0), xycoords=("axes fraction", "data"), va="center",
        textcoords="offset points", color=FAINT, fontsize=8,
    )  # fmt: skip


def log_values(axes: Axes, powers: bool = False) -> None:
    """A logarithmic y axis, read as numbers or as powers of ten."""
    axes.set_yscale("log")
    if powers:
        axes.yaxis.set_major_formatter(lambda value, _: power_of_ten(value))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))


def power_of_ten(value: float) -> str:
    """A power of ten without the markup of formulas.

    >>> power_of_ten(1.0), power_of_ten(1e-12)
    ('1', '10⁻¹²')
    """
    exponent = round(math.log10(value))
    return "1" if exponent == 0 else "10" + str(exponent).translate(SUPERSCRIPT)


SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def thousands(axes: Axes) -> None:
    """An x axis of counts from zero."""
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlim(left=0)
