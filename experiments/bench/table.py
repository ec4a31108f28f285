"""A table of text: for the terminal, and for a Markdown page."""

from collections.abc import Sequence
from typing import NamedTuple

import rich.table
from rich.console import Console
from rich.text import Text

from experiments.bench.timing import Timing

WIDTH = 100
"""Characters of a line, also where the terminal has fewer or there is none."""


SPREAD = "±: half the distance between the quartiles of the rounds."


class Table(NamedTuple):
    """Cells of text below named columns; all but the first column are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def print(self, console: Console) -> None:
        """Show it in the terminal."""
        shown = rich.table.Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for number, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        console.print(Text(self.title, style="bold"))
        console.print(shown)
        for note in self.notes:
            console.print(Text(note, style="dim"))
        console.print()

    def markdown(self) -> str:
        """The same as Markdown, below a heading of the fourth level."""
        rule = tuple("---:" if number else "---" for number in range(len(self.columns)))
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        parts = [f"#### {self.title}", "\n".join(lines), *self.notes]
        return "\n\n".join(part for part in parts if part)


def milliseconds(timing: Timing) -> str:
    """The median, and half the distance between the quartiles as a share of it.

    >>> milliseconds(Timing((0.0019, 0.002, 0.0021)))
    '2.00 ±2%'
    """
    low, high = timing.quartiles
    return f"{digits(1e3 * timing.median)} ±{(high - low) / 2 / timing.median:.0%}"


def digits(value: float) -> str:
    """A number with three digits, or more before the point.

    >>> digits(0.01234), digits(1.234), digits(123.4), digits(12345.0)
    ('0.0123', '1.23', '123', '12,345')
    """
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):.{max(0, 2 - _magnitude(value))}f}"


def _magnitude(value: float) -> int:
    """The power of ten of a number rounded to three digits."""
    return int(f"{value:.2e}".partition("e")[2])
