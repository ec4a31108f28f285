"""Checkpoints of a run: saved in the background, restored only if they verify."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.checkpoint import arrays, folders, manifest
from experiments.checkpoint.leaves import Part, describe, differences, named_leaves, parts
from experiments.checkpoint.manifest import Damaged
from experiments.checkpoint.quiet import reason
from experiments.distributed import any_of, first, from_first
from lstm_jax.checks import Size, check


class SaveFailed(Exception):
    """A state that is not on disk, and why."""


class NoneVerifies(Exception):
    """There are checkpoints, and none is to be trusted."""


class Restored(NamedTuple):
    """A state as it was saved."""

    step: int
    state: Any
    progress: dict[str, Any]
    rejected: tuple[str, ...]
    """A sentence for each newer one that was passed over; on the first process alone."""


class Checkpoints:
    """The checkpoints below a folder, of which the newest `keep` stay.

    As a context manager it ends when all saves are on disk. Several processes of one run share
    the folder and call every method in the same order.
    """

    newest: int | None
    """The newest step that this process saved whole, or restored."""

    def __init__(self, folder: Path, keep: int = 3) -> None:
        check("keep", keep, Size)
        self.newest = None
        self._folder = folder.absolute()
        self._keep = keep
        self._orbax = arrays.begin()
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._saving: tuple[int, Future[None]] | None = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.wait()
        except SaveFailed:
            if kind is None:
                raise
        finally:
            self._worker.shutdown()
            arrays.end(self._orbax)

    def save(self, step: int, state: Any, progress: Mapping[str, Any]) -> None:
        """Begin to save a pytree of JAX arrays, and `progress` as JSON has it.

        Returns when the arrays may be donated. A save that goes on is waited for; a step that is
        saved already is not saved again.

        Raises SaveFailed if this save or the one before it failed, and TypeError for a state or
        progress that cannot be saved.
        """
        self.wait()
        if step == self.newest:
            return
        leaves = named_leaves(state)
        for name, leaf in leaves.items():
            if not isinstance(leaf, jax.Array) or jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
                raise TypeError(f"{name} must be a JAX array of numbers to be saved, got {leaf!r}")
        frozen = json.loads(json.dumps(progress))
        path = folders.place(self._folder, step)
        try:
            if first():
                folders.make_room(self._folder, step)
            arrays.save(self._orbax, path, leaves)
            held = {name: (_form(leaf), parts(leaf)) for name, leaf in leaves.items()}
        except BaseException as error:
            failed = self._failed(step, error)
            if isinstance(error, Exception):
                raise failed from error
            raise
        self._saving = step, self._worker.submit(self._finish, step, frozen, held)

    def wait(self) -> None:
        """Return when all that was to be saved is on disk; SaveFailed if it is not."""
        if self._saving is None:
            return
        step, future = self._saving
        try:
            future.result()
        except Exception as error:
            self._saving = None
            raise self._failed(step, error) from error
        self._saving = None
        self.newest = step

    def restore(self, like: Any) -> Restored | None:
        """The newest state that verifies, as `like` describes it; None if there is no checkpoint.

        `like` is a pytree of `jax.ShapeDtypeStruct` with shardings, which may be over other
        devices than those it was saved from. What is newer and damaged is set aside.

        Raises NoneVerifies if there are checkpoints but none to be trusted, ValueError if
        the newest that is sound has other leaves, dtypes or shapes than `like`, OSError if the
        folder cannot be read.
        """
        self.wait()
        wanted = named_leaves(like)
        for name, leaf in wanted.items():
            if getattr(leaf, "sharding", None) is None:
                raise TypeError(f"{name} must have a sharding to be restored, got {leaf!r}")
        rejected: list[tuple[Path, Damaged]] = []
        sound = self._sound(rejected) if first() else iter(())
        while (step := int(from_first(np.array(next(sound, -1))))) >= 0:
            path = folders.place(self._folder, step)
            content = manifest.read(path)
            if wrong := differences(content.leaves, wanted):
                raise ValueError(f"{path} does not fit: {'; '.join(wrong)}")
            found, fault = arrays.load(path, content, wanted)
            if not any_of(fault is not None):
                self.newest = step
                state = jax.tree.unflatten(jax.tree.structure(like), found)
                told = tuple(folders.pass_over(*each) for each in rejected)
                return Restored(step, state, content.progress, told)
            rejected.append((path, fault or Damaged("another process cannot restore it")))
        if from_first(np.array(len(rejected))) == 0:
            return None
        reasons = "".join(f"\n  {path.name}: {fault}" for path, fault in rejected)
        raise NoneVerifies(f"no checkpoint in {self._folder} is to be trusted:{reasons}")

    def _failed(self, step: int, error: BaseException) -> SaveFailed:
        """What to raise; the next save begins without the errors of this one."""
        arrays.end(self._orbax)
        self._orbax = arrays.begin()
        path = folders.place(self._folder, step)
        return SaveFailed(f"the checkpoint {path} could not be saved: {reason(error)}")

    def _sound(self, rejected: list[tuple[Path, Damaged]]) -> Iterator[int]:
        """Steps whose files are as they were saved, newest first; the others join `rejected`."""
        for found in folders.newest_first(self._folder):
            try:
                found.verify()
            except Damaged as fault:
                rejected.append((found.path, fault))
            else:
                yield found.step

    def _finish(
        self,
        step: int,
        progress: Mapping[str, Any],
        held: Mapping[str, tuple[jax.ShapeDtypeStruct, Sequence[Part]]],
    ) -> None:
        """In the background: wait for orbax, then seal what it wrote, then prune."""
        self._orbax.wait_until_finished()
        if first():
            leaves = {name: describe(*each) for name, each in held.items()}
            manifest.seal(folders.place(self._folder, step), step, progress, leaves)
            folders.prune(self._folder, self._keep, step)


def _form(array: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)
