"""What a sink promises, and the numbers that all of them show."""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from experiments.words import mean_of_finite


class Subject(NamedTuple):
    """The run that is shown."""

    run: Path
    """Its directory."""
    config: str
    """The resolved config, as YAML."""
    title: str
    members: Sequence[str]
    """What the entries of every list in a line belong to: "seed_0", say."""
    past: Iterable[dict[str, Any]]
    """The lines that metrics.jsonl holds already where the run is resumed."""


class Sink(Protocol):
    """Shows the metrics of a run somewhere: those of its past and those to come, each once.

    Any method may raise, which ends the view alone.
    """

    def __init__(self, subject: Subject) -> None: ...

    def log(self, line: dict[str, Any]) -> None:
        """Show a line of metrics.jsonl."""

    def close(self, summary: dict[str, Any]) -> None:
        """Show what summary.json says at the end, and finish."""


def scalars(line: dict[str, Any], members: Sequence[str]) -> dict[str, float]:
    """The numbers of a line by name: each member's, and the mean over those that are finite.

    What is not finite is left out, as it is null in metrics.jsonl.

    >>> scalars({"step": 8, "loss": [1.0, None, 2.0]}, ["seed_3", "seed_4", "seed_5"])
    {'loss': 1.5, 'loss/seed_3': 1.0, 'loss/seed_5': 2.0}
    """
    found: dict[str, float | None] = {}
    for key, value in line.items():
        if isinstance(value, list):
            found[key] = mean_of_finite(value)
            each = zip(members, value, strict=True)
            found |= {f"{key}/{member}": number for member, number in each}
        elif key != "step":
            found[key] = value
    numbers = {key: float(value) for key, value in found.items() if value is not None}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}


def warn(what: str) -> None:
    """Tell of a view that is not what was asked for, in one line."""
    print(f"warning: {' '.join(what.split())}; metrics.jsonl holds everything", file=sys.stderr)
