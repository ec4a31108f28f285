"""A table of text: for the terminal, and for a Markdown page."""

from collections.abc import Sequence
from typing import NamedTuple

import rich.table
from rich.console import Console
from rich.text import Text

WIDTH = 100
"""Characters of a line, also where the terminal has fewer or there is none."""


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
