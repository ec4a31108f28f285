"""What a run has learnt: the parameters of its members, from the newest checkpoint that verifies.

Nothing in the run directory is changed, and what is damaged stays where it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from experiments.checkpoint import arrays, folders
from experiments.checkpoint.leaves import differences, named_leaves
from experiments.checkpoint.manifest import Damaged, Manifest, verify
from lstm_jax.layers import SequenceModel

PLACE, STEPS = "learnt.params.", "step"
"""Where a training state has its parameters, and how many steps it is of."""


class NoParameters(Exception):
    """Why there are none to be had, in one sentence."""


class Trained:
    """The parameters of all `members` of a run, each one's of `model`, as the run left them."""

    step: int
    passed_over: tuple[str, ...]
    """A sentence for each newer checkpoint that is damaged."""

    def __init__(self, run: Path, model: SequenceModel, members: int) -> None:
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
                self._steps, self._params = _load(each.path, content, model, members)
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
        return jax.tree.map(lambda leaf: leaf[place], self._params)

    def steps(self, place: int) -> int:
        """The training steps that these are of."""
        return int(self._steps[place])


def _load(
    path: Path, content: Manifest, model: SequenceModel, members: int
) -> tuple[np.ndarray, Any]:
    """The steps and the parameters in a checkpoint, with an axis of members."""
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    here = SingleDeviceSharding(jax.local_devices()[0])
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
    params = jax.tree.unflatten(jax.tree.structure(expected), [by_name[name] for name in wanted])
    return by_name[STEPS], params
