"""What a person sees while a sweep goes on: a live line in a terminal, plain lines elsewhere."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from experiments.run.progress import PLAIN_EVERY
from experiments.sweep.schedule import State
from experiments.words import duration, plural

Show = Callable[[State], None]
REFRESH = 1.0
"""Seconds between looks at how far the trials are."""


@contextmanager
def display(console: Console, runs: Mapping[str, tuple[Path, int]]) -> Iterator[Show]:
    """Shows the state of a sweep; `runs` are the directory and the sequences of each trial."""
    began = time.monotonic()

    def text(state: State) -> str:
        return f"{describe(state, runs)}  {duration(time.monotonic() - began)}"

    if not console.is_terminal:
        yield _every(
            PLAIN_EVERY, lambda state: console.print(text(state), highlight=False, markup=False)
        )
        return
    columns = [BarColumn(bar_width=12), TextColumn("{task.fields[text]}", markup=False)]
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0, text="starting")
        yield _every(
            REFRESH,
            lambda state: progress.update(task, completed=share(state, runs), text=text(state)),
        )


def _every(seconds: float, show: Show) -> Show:
    """Shows at most once in a while, and whenever a trial ends."""
    last, ended = -seconds, 0

    def shown(state: State) -> None:
        nonlocal last, ended
        now, count = time.monotonic(), len(state.done) + len(state.failed)
        if now - last >= seconds or count != ended:
            last, ended = now, count
            show(state)

    return shown


def describe(state: State, runs: Mapping[str, tuple[Path, int]]) -> str:
    """A state in words.

    >>> describe(State(["a"], ["b", "c"], ["d"], {}, 1), {})
    '1 of 4 trials done  2 running  1 retry  25% of all'
    """
    counts = [len(names) for names in (state.waiting, state.running, state.done, state.failed)]
    parts = [f"{counts[2]:,} of {plural(sum(counts), 'trial')} done", f"{counts[1]:,} running"]
    if state.failed:
        parts.append(f"{counts[3]:,} failed")
    if state.retries:
        parts.append("1 retry" if state.retries == 1 else f"{state.retries:,} retries")
    return "  ".join([*parts, f"{share(state, runs):.0%} of all"])


def share(state: State, runs: Mapping[str, tuple[Path, int]]) -> float:
    """How much of a sweep is done, running trials by their sequences."""
    ended = len(state.done) + len(state.failed)
    under_way = sum(_share(*runs[name]) for name in state.running if name in runs)
    return (ended + under_way) / (ended + len(state.running) + len(state.waiting))


def _share(run: Path, max_sequences: int) -> float:
    """How far a run is, by the last line of its metrics."""
    try:
        with (run / "metrics.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 100_000))
            *_, last = file.read().splitlines()
        return min(1.0, json.loads(last)["sequences"] / max_sequences)
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0  # not begun, or in the midst of a line
