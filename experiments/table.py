"""A table of text: for the terminal, and for a Markdown page."""

from collections.abc import Sequence
from typing import NamedTuple

import rich.table
from rich.console import Console
from rich.text import Text

WIDTH = 100
"""Characters of a line, also where the terminal has fewer or there is none."""


class Table(NamedTuple):
    """Cells of text below named columns; numbers, save in the first column and those of `words`."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def print(self, console: Console) -> None:
        """Show it in the terminal."""
        shown = rich.table.Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column, is_number in zip(self.columns, self._numbers, strict=True):
            shown.add_column(column, justify="right" if is_number else "left", no_wrap=True)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        console.print(Text(self.title, style="bold"))
        console.print(shown)
        for note in self.notes:
            console.print(Text(note, style="dim"))
        console.print()

    def markdown(self) -> str:
        """The same as Markdown, below a heading of the fourth level."""
        rule = tuple("---:" if is_number else "---" for is_number in self._numbers)
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        parts = [f"#### {self.title}", "\n".join(lines), *self.notes]
        return "\n\n".join(part for part in parts if part)

    @property
    def _numbers(self) -> list[bool]:
        return [place > 0 and name not in self.words for place, name in enumerate(self.columns)]
