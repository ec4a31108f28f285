"""The leaves of a state: their names, their bytes on the host, and the SHA-256 of these."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.distributed import fetch

TOLD = 5
"""Leaves that a message names before it counts the rest."""


class Leaf(NamedTuple):
    """What a leaf must be to be the one that was saved."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


class Part(NamedTuple):
    """Some of an array's elements on the host, and where in it they stand."""

    place: tuple[slice, ...]
    values: np.ndarray


def named_leaves(state: Any) -> dict[str, Any]:
    """The leaves of a pytree by their path, as in params.layers.0.bias; None is no leaf.

    Raises ValueError if two have one name.
    """
    found: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if name in found:
            raise ValueError(f"two leaves of the state are called {name!r}")
        found[name] = leaf
    return found


def parts(array: jax.Array) -> list[Part]:
    """All elements of an array, once each, on the host.

    On the CPU they are views; JAX does not reuse memory of which there are views, not even of
    an array that is donated.
    """
    if not array.is_fully_addressable:
        return [Part((slice(None),) * array.ndim, fetch(array))]
    shards = (shard for shard in array.addressable_shards if shard.replica_id == 0)
    return [Part(shard.index, np.asarray(shard.data)) for shard in shards]


def describe(array: jax.Array | jax.ShapeDtypeStruct, held: Sequence[Part]) -> Leaf:
    """A leaf whose elements are `held`, with the SHA-256 of its bytes in row-major order."""
    whole = held[0].values
    if len(held) > 1:
        whole = np.empty(array.shape, array.dtype)
        for place, values in held:
            whole[place] = values
    flat = np.ascontiguousarray(whole).reshape(-1).view(np.uint8)
    return Leaf(array.dtype.name, tuple(array.shape), hashlib.sha256(flat.data).hexdigest())


def differences(saved: Mapping[str, Leaf], wanted: Mapping[str, Any]) -> list[str]:
    """How the leaves of a checkpoint differ from those wanted: in names, dtypes, shapes."""
    found = []
    if missing := [name for name in wanted if name not in saved]:
        found.append(f"it has no {_listed(missing)}")
    if additional := [name for name in saved if name not in wanted]:
        found.append(f"it has {_listed(additional)} besides")
    others = [
        f"{name} is {saved[name]} and not {leaf.dtype.name} {tuple(leaf.shape)}"
        for name, leaf in wanted.items()
        if name in saved and saved[name][:2] != (leaf.dtype.name, tuple(leaf.shape))
    ]
    return [*found, _listed(others)] if others else found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more
