"""The framework of a case, by the first word of its name."""

from types import ModuleType

from tests.peers import run_equinox, run_flax, run_haiku, run_keras, run_torch

RUNNERS: dict[str, ModuleType] = {
    "torch": run_torch,
    "keras": run_keras,
    "nnx": run_flax,
    "linen": run_flax,
    "haiku": run_haiku,
    "equinox": run_equinox,
}


def runner(name: str) -> ModuleType:
    return RUNNERS[name.split()[0]]
