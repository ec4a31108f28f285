"""The arrays of a checkpoint, as orbax writes and reads them.

Every process writes those parts that it holds, into one OCDBT database: few files, with checksums,
which orbax's plain zarr files lack. But orbax takes an empty folder for a checkpoint, casts to
another dtype and lets a second process write over a step, all without a word; what is loaded here
is held to a manifest.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from experiments.checkpoint.leaves import describe, parts
from experiments.checkpoint.manifest import Damaged, Manifest
from experiments.checkpoint.quiet import quiet_orbax, reason

quiet_orbax()

ERRORS = 100
"""More than one save can have."""


def begin() -> ocp.AsyncCheckpointer:
    """What saves in the background: it has copied all arrays to the host when `save` returns.

    Folders are made at once: where one cannot be, threads would wait for it for minutes.
    """
    at_once = ocp.options.AsyncOptions(create_directories_asynchronously=False)
    return ocp.AsyncCheckpointer(ocp.PyTreeCheckpointHandler(), async_options=at_once)


def save(checkpointer: ocp.AsyncCheckpointer, path: Path, leaves: Mapping[str, jax.Array]) -> None:
    """Begin to save arrays by name, but for those without elements, which orbax refuses."""
    checkpointer.save(path, args=ocp.args.PyTreeSave(_with_bytes(leaves)))


def end(checkpointer: ocp.AsyncCheckpointer) -> None:
    """Close what saves no more; it raises each error that it still has once before it closes."""
    for _ in range(ERRORS):
        with suppress(Exception):
            checkpointer.close()
            return


def load(
    path: Path, content: Manifest, wanted: Mapping[str, Any]
) -> tuple[list[jax.Array], Damaged | None]:
    """The leaves wanted, in their order, each held to its hash."""
    try:
        with_bytes = _with_bytes(wanted)
        how = {
            name: ocp.ArrayRestoreArgs(sharding=leaf.sharding, global_shape=leaf.shape)
            for name, leaf in with_bytes.items()
        }
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            found = reader.restore(path, args=ocp.args.PyTreeRestore(with_bytes, restore_args=how))
        restored = [found[name] if leaf.size else _empty(leaf) for name, leaf in wanted.items()]
    except Exception as error:
        return [], Damaged(f"orbax cannot restore it: {reason(error)}")
    for name, array in zip(wanted, restored, strict=True):
        if describe(array, parts(array)) != content.leaves[name]:
            return [], Damaged(f"its leaf {name} is not restored as it was saved")
    return restored, None


def _empty(like: Any) -> jax.Array:
    """An array without elements, which orbax does not save."""
    return jax.make_array_from_callback(
        like.shape, like.sharding, lambda index: np.zeros(like.shape, like.dtype)[index]
    )


def _with_bytes(leaves: Mapping[str, Any]) -> dict[str, Any]:
    return {name: leaf for name, leaf in leaves.items() if leaf.size}
