"""What runs the trials of a sweep; each engine is imported only when it is asked for.

Every file has `engine(trials, workers, folder)`, which gives an `Engine` for that many trials.
"""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from experiments.sweep.engines.base import Engine, Job
from lstm_jax.checks import named

__all__ = ["ENGINES", "Engine", "Job", "Unavailable", "load"]

Make = Callable[[int, int | None, Path], Engine]
"""Takes how many trials there are, `--workers` and the directory of the sweep."""


class Entry(NamedTuple):
    """A package that an engine needs, and the extra that brings it."""

    package: str | None = None
    extra: str = ""


ENGINES = {"local": Entry(), "ray": Entry("ray", "ray"), "slurm": Entry("submitit", "slurm")}
"""Every engine by the name that the command line takes."""


class Unavailable(ValueError):
    """An engine that cannot be used here, and what would help."""


def load(name: str) -> Make:
    """What makes an engine; ValueError for an unknown name, Unavailable for a missing package."""
    entry: Entry = named("engine", name, ENGINES)
    if entry.package is not None and importlib.util.find_spec(entry.package) is None:
        raise Unavailable(
            f"--engine {name} needs {entry.package}, which is not installed: "
            f"pip install 'lstm_jax[{entry.extra}]'"
        )
    make: Make = importlib.import_module(f"{__name__}.{name}").engine
    return make
