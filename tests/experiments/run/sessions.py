"""Sessions of programs whose course is written down, and what their lines tell."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from experiments.config import Experiment
from experiments.run.session import Line, Session
from tests.experiments.run.scripted import EXPERIMENT, scripted_build

Lines = list[dict[str, Any]]


def changed(**changes: Any) -> Experiment:
    """A run of 26 steps, a line every ten, with other settings of `train`."""
    return dataclasses.replace(EXPERIMENT, train=dataclasses.replace(EXPERIMENT.train, **changes))


def session(
    experiment: Experiment = EXPERIMENT, diagnose_every: int | None = None, **script: Any
) -> Session:
    parts = scripted_build(experiment, **script)
    begun = Session(parts, experiment.train, diagnose_every=diagnose_every)
    begun.start()
    return begun


def advance_to_the_end(session: Session) -> Iterator[Line]:
    while not session.finished:
        line = session.advance()
        if line is not None:
            yield line


def lines_of(session: Session) -> Lines:
    return [line.metrics for line in advance_to_the_end(session)]


def lasting(summary: dict[str, Any]) -> dict[str, Any]:
    """What a summary says but for the times."""
    return {key: value for key, value in summary.items() if key != "times"}
