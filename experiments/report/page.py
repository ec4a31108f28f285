"""A page: sections of text, pictures and tables, in one HTML file that needs nothing else.

The template escapes all that it is given but the SVG of figures, which `style.as_svg` made. A
policy within the page forbids scripts and the network.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


class Text(NamedTuple):
    """A paragraph."""

    text: str
    kind: str = "text"


class Heading(NamedTuple):
    """A heading within a section."""

    text: str
    kind: str = "heading"


class Picture(NamedTuple):
    """A figure and what it shows; a wide one scrolls on a phone."""

    svg: Markup
    alt: str
    caption: str
    wide: bool = False
    kind: str = "picture"


class Table(NamedTuple):
    """Rows of cells, the first of each its name; `best` is the row to be seen first."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    best: int | None = None
    text: bool = False
    """Whether cells are words and not numbers."""
    kind: str = "table"


class Code(NamedTuple):
    """Text as it stands; folded, it is shown on request."""

    title: str
    text: str
    folded: bool = False
    wraps: bool = False
    kind: str = "code"


Block = Text | Heading | Picture | Table | Code


class Section(NamedTuple):
    """A part of a page."""

    name: str
    title: str
    blocks: Sequence[Block]


class Page(NamedTuple):
    """All that a page says."""

    title: str
    kicker: str
    verdict: Sequence[str]
    facts: Sequence[tuple[str, str]]
    missing: Sequence[str]
    sections: Sequence[Section]
    foot: str


def render(page: Page) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    style = Markup((TEMPLATES / "style.css").read_text("utf-8"))
    return environment.get_template("page.html.j2").render(page=page, style=style)
