"""Views of a run for the programs that people watch runs with: `output.log: [tensorboard, wandb]`.

`metrics.jsonl` is the truth. A sink repeats its lines elsewhere; whatever becomes of one, the run
and its files are the same. One is imported only when a config asks for it.
"""

import importlib
import importlib.util
from collections.abc import Iterable
from typing import NamedTuple

from experiments.sinks.base import Sink
from lstm_jax.checks import named


class Entry(NamedTuple):
    """The class that writes a view, and the package that it needs; the extra has the sink's name.

    It is in the file that is named like the sink.
    """

    sink: str
    package: str


SINKS = {"tensorboard": Entry("TensorBoard", "tensorboardX"), "wandb": Entry("WandB", "wandb")}
"""Every sink by the name that configs use."""


def require(names: Iterable[str]) -> None:
    """Hold that every one of these sinks can be opened; ValueError for the first that cannot."""
    for name in names:
        package = named("sink", name, SINKS).package
        if importlib.util.find_spec(package) is None:
            raise ValueError(
                f"output.log names {name}, but {package} is not installed: "
                f"pip install 'lstm_jax[{name}]'"
            )


def load(name: str) -> type[Sink]:
    """The class of a sink, with its package imported."""
    sink: type[Sink] = getattr(importlib.import_module(f"{__name__}.{name}"), SINKS[name].sink)
    return sink
