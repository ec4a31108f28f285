"""The parameters of a member before and after its training.

Before: drawn again, as the run did it, from the seed. After: those of the newest checkpoint that
verifies. Nothing in the run directory is changed, and what is damaged stays where it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from experiments.build import Build
from experiments.checkpoint import arrays, folders
from experiments.checkpoint.leaves import differences, named_leaves
from experiments.checkpoint.manifest import Damaged, Manifest, verify

PLACE = "learnt.params."
"""Where a training state has its parameters."""


class NoParameters(Exception):
    """Why there are none to look into, in one sentence."""


class Trained:
    """The parameters of all members as a run left them."""

    step: int
    passed_over: tuple[str, ...]
    """A sentence for each newer checkpoint that is damaged."""

    def __init__(self, run: Path, parts: Build) -> None:
        """Read the newest checkpoint that verifies; NoParameters if none does or none fits."""
        folder = (run / "checkpoints").absolute()  # orbax takes no other
        damaged: list[str] = []
        try:
            found = folders.newest_first(folder)
        except OSError as error:
            raise NoParameters(f"{folder} cannot be read: {error.strerror}") from None
        for each in found:
            try:
                each.verify()
                content = verify(each.path, each.step)
                self._leaves = _load(each.path, content, parts)
            except Damaged as fault:
                damaged.append(f"The checkpoint {each.path.name} is passed over: {fault}.")
                continue
            self.step, self.passed_over = each.step, tuple(damaged)
            return
        if damaged:
            raise NoParameters(f"no checkpoint of {run} can be trusted. {damaged[0]}")
        raise NoParameters(f"{run} holds no checkpoint")

    def member(self, place: int) -> Any:
        """The parameters of a member."""
        return jax.tree.map(lambda leaf: leaf[place], self._leaves)


def drawn(parts: Build, place: int) -> Any:
    """The parameters with which a member began."""
    states = parts.program.start()
    lane = int(np.flatnonzero(np.asarray(states.member.place) == place)[0])
    return jax.tree.map(lambda leaf: np.asarray(leaf[lane]), states.learnt.params)


def _load(path: Path, content: Manifest, parts: Build) -> Any:
    """The parameters in a checkpoint, with an axis of members."""
    shapes = jax.eval_shape(parts.model.init, jax.random.key(0))
    members, here = len(parts.labels), SingleDeviceSharding(jax.devices()[0])
    expected = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((members, *leaf.shape), leaf.dtype), shapes
    )
    wanted = {PLACE + name: leaf for name, leaf in named_leaves(expected).items()}
    saved = {name: leaf for name, leaf in content.leaves.items() if name.startswith(PLACE)}
    if wrong := differences(saved, wanted):
        raise NoParameters(f"{path} holds another model: {'; '.join(wrong)}")
    everything: Mapping[str, Any] = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here)
        for name, leaf in content.leaves.items()
    }
    found, fault = arrays.load(path, content, everything)
    if fault is not None:
        raise fault
    by_name = dict(zip(everything, map(np.asarray, found), strict=True))
    return jax.tree.unflatten(jax.tree.structure(expected), [by_name[name] for name in wanted])
