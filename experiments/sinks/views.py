"""The sinks of a run, each on a thread of its own: none can hold up the run, or end it."""

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from experiments.sinks import load
from experiments.sinks.base import Sink, Subject, warn

PATIENCE = 10.0
"""Seconds that a run waits at its end for sinks that still write."""


@contextmanager
def open_sinks(names: Iterable[str], subject: Subject) -> Iterator["Views"]:
    """The sinks of these names, for as long as the run goes on.

    A sink that cannot be opened is dropped like one that fails later.
    """

    def opened(name: str) -> Sink:
        return load(name)(subject)

    views = Views({name: functools.partial(opened, name) for name in names})
    try:
        yield views
    finally:
        views.close()


class Views:
    """Hands lines to sinks, each opened by its function; what fails is dropped with a warning."""

    def __init__(self, sinks: Mapping[str, Callable[[], Sink]]) -> None:
        self._summary: dict[str, Any] = {}
        self._views = [_View(name, opened) for name, opened in sinks.items()]

    def log(self, line: dict[str, Any]) -> None:
        """Show a line of metrics.jsonl; returns at once."""
        for view in self._views:
            view.lines.put(line)

    def summarise(self, summary: dict[str, Any]) -> None:
        """Keep what summary.json says, for the end."""
        self._summary = summary

    def close(self) -> None:
        """Wait until every line is shown, though not for ever."""
        deadline = time.monotonic() + PATIENCE
        for view in self._views:
            view.summary = self._summary
            view.lines.put(None)
        for view in self._views:
            view.join(max(0.0, deadline - time.monotonic()))
            if view.is_alive():
                warn(f"{view.name} is not done after {PATIENCE:g} s and is left alone")


class _View(threading.Thread):
    """One sink and the lines that wait for it; None after the last."""

    def __init__(self, name: str, opened: Callable[[], Sink]) -> None:
        super().__init__(name=name, daemon=True)
        self.lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.summary: dict[str, Any] = {}
        self._opened = opened
        self.start()

    def run(self) -> None:
        try:
            sink = self._opened()
            while (line := self.lines.get()) is not None:
                sink.log(line)
            sink.close(self.summary)
        except Exception as error:
            warn(f"{self.name} is dropped: {type(error).__name__}: {error}")
