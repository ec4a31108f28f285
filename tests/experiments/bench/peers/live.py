"""What every framework has to hold to, where it is installed."""

import types

import jax

from experiments.bench.entry import Entry
from experiments.bench.problem import Shape, draw


def checked(name: str, module: types.ModuleType) -> dict[str, list[str]]:
    """The entries of a framework and what they run on, held to float64 at two shapes."""
    found: dict[str, list[str]] = {}
    for shape in (Shape(B=4, T=6, I=3, H=5), Shape(B=1, T=6, I=3, H=5)):
        problem = draw(shape, seed=1)
        entries: list[Entry] = module.entries(name, problem, jax.devices()[:2])
        for entry in entries:
            assert entry.peer == name
            found.setdefault(entry.name, []).append(entry.runs_on)
            for _ in range(2):  # a gradient is not added to the one before
                assert 0 < max(entry.distances(problem).values()) < 1e-5
    return found


EACH_WAY = ["1 device", "2 devices", "1 device"]
"""On one device and on both; a batch of one on one alone."""
