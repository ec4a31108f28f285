"""One of two processes that save together: each holds one seed of every array.

python -m tests.experiments.checkpoint.pair FOLDER PORT NUMBER
"""

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.checkpoint import Checkpoints, NoneVerifies
from experiments.distributed import any_of, first, join
from tests.experiments.checkpoint.states import draw, like


def main(folder: str, port: str, number: str) -> None:
    join(f"127.0.0.1:{port},2,{number}")
    states = {step: draw(step) for step in (1, 2, 3)}
    for state in states.values():
        del state["rate"]  # an array of this process alone
    form = like(states[1])
    with Checkpoints(Path(folder), keep=2) as checkpoints:
        for step, state in states.items():
            checkpoints.save(step, state, {"metrics": step})
    with Checkpoints(Path(folder), keep=2) as checkpoints:
        tell(describe(checkpoints.restore(form), states))
        if first():
            (Path(folder) / "00000003" / "_METADATA").unlink()
        tell(describe(checkpoints.restore(form), states))
        any_of(False)  # both have come here
        if first():
            (Path(folder) / "00000002" / "_METADATA").rename(Path(folder) / "moved")
        try:
            checkpoints.restore(form)
        except NoneVerifies:
            tell("none")
        any_of(False)  # both have come here
        if first():
            (Path(folder) / "moved").rename(Path(folder) / "00000002" / "_METADATA")


def describe(found: Any, states: dict[int, Any]) -> str:
    """The step, how many were passed over, and whether this process has its part of all arrays."""
    expected = jax.tree.leaves(states[found.step])
    same = all(
        np.asarray(mine.data).tobytes() == np.asarray(its.data).tobytes()
        for a, b in zip(jax.tree.leaves(found.state), expected, strict=True)
        for mine, its in zip(a.addressable_shards, b.addressable_shards, strict=True)
    )
    return f"{found.step} {found.progress['metrics']} {len(found.rejected)} {same}"


def tell(line: str) -> None:
    sys.stdout.write(f"told {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
