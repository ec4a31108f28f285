"""What a person sees while a run goes on: a live line in a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from experiments.words import duration, mean_of_finite


class Report(NamedTuple):
    """The state of a run, over the seeds that still train."""

    sequences: int
    loss: float
    error: float
    solved: int
    running: int
    """Seeds that go on."""
    rate: float
    """Sequences per second, over all seeds."""

    @classmethod
    def of(cls, line: dict[str, Any], timing: dict[str, Any]) -> "Report":
        """The state that a line of metrics tells, and what it took."""
        loss, error = (mean_of_finite(line[key]) for key in ("loss", "error"))
        ended = [
            solved or loss is None
            for solved, loss in zip(line["solved"], line["loss"], strict=True)
        ]
        return cls(
            sequences=line["sequences"],
            loss=loss,
            error=error,
            solved=sum(line["solved"]),
            running=ended.count(False),
            rate=timing["sequences_per_second"],
        )


class Display(Protocol):
    """Takes the reports of a run."""

    def __call__(self, report: Report) -> None: ...


PLAIN_EVERY = 5.0
"""Seconds between plain lines."""


@contextmanager
def display(console: Console, seeds: int, max_sequences: int) -> Iterator[Display]:
    """A live bar in a terminal, a line every few seconds elsewhere."""
    if console.is_terminal:
        with _bar(console, seeds, max_sequences) as show:
            yield show
    else:
        yield _lines(console, seeds, max_sequences)


@contextmanager
def _bar(console: Console, seeds: int, max_sequences: int) -> Iterator[Display]:
    columns = [BarColumn(bar_width=8), TextColumn("{task.fields[text]}")]  # fits 80 characters
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=max_sequences, text="compiling")

        def show(report: Report) -> None:
            text = describe(report, seeds, max_sequences)
            progress.update(task, completed=report.sequences, text=text)

        yield show


def _lines(console: Console, seeds: int, max_sequences: int) -> Display:
    last = -PLAIN_EVERY

    def show(report: Report) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_EVERY:
            last = now
            console.print(describe(report, seeds, max_sequences), highlight=False)

    return show


def describe(report: Report, seeds: int, max_sequences: int) -> str:
    """A report in words; the time left is that of seeds that never solve their task.

    >>> describe(Report(2000, 0.0123, 0.1, 1, 3, 4000.0), seeds=4, max_sequences=20000)
    '2,000 seq  loss 0.0123  error 0.1  solved 1/4  4,000/s  14 s left'
    """
    left = (max_sequences - report.sequences) * report.running / max(report.rate, 1e-9)
    return (
        f"{report.sequences:,} seq  loss {report.loss:.3g}  error {report.error:.3g}  "
        f"solved {report.solved}/{seeds}  {report.rate:,.0f}/s  {duration(left)} left"
    )
