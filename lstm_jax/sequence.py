"""One meaning of lengths, resets and reverse, for every executor.

- mask (T, B): True where a step belongs to its sequence. Past the end the state is held and
  the output is zero; the gradient into the padding is exactly zero.
- resets (T, B): True where the state is set back to the initial state before the step.
- reverse: each sequence runs backwards within its own length; its padding stays behind it.

Time-major throughout: T steps, B sequences.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

Tree = TypeVar("Tree")


def mask(lengths: Int[Array, " B"], steps: int) -> Bool[Array, "T B"]:
    """True for the steps that belong to a sequence of each length.

    >>> mask(jnp.array([2, 0, 3]), 3).astype(int).tolist()
    [[1, 0, 1], [1, 0, 1], [0, 0, 1]]
    """
    return jnp.arange(steps, dtype=lengths.dtype)[:, None] < lengths[None, :]


def restart(state: Tree, initial: Tree, reset: Bool[Array, "*T B"] | None) -> Tree:
    """The initial state for the sequences of the batch that reset before this step."""
    return state if reset is None else select(reset, initial, state)


def hold(old: Tree, new: Tree, keep: Bool[Array, "*T B"] | None) -> Tree:
    """The new state where the step belongs to its sequence, else the old one."""
    return new if keep is None else select(keep, new, old)


def silence(tree: Tree, keep: Bool[Array, "*T B"] | None) -> Tree:
    """Zero where the step does not belong to its sequence.

    Applied to the inputs too: a select passes no gradient, but a NaN or an infinity in the
    padding would still turn that zero into a NaN inside the cell's own derivative.
    """
    return tree if keep is None else select(keep, tree, jax.tree.map(jnp.zeros_like, tree))


def select(condition: Bool[Array, "*N"], chosen: Tree, other: Tree) -> Tree:
    """`jnp.where` over the leaves of two trees, the condition on the leading axes of `other`."""

    def leaf(a: Array, b: Array) -> Array:
        trailing = (1,) * (b.ndim - condition.ndim)
        return jnp.where(condition.reshape(condition.shape + trailing), a, b)

    return jax.tree.map(leaf, chosen, other)


def flip(tree: Tree, lengths: Int[Array, " B"] | None) -> Tree:
    """Turn each sequence round within its length; its own inverse. Leaves are (T, B, ...).

    >>> flip(jnp.array([[1], [2], [3]]), jnp.array([2])).ravel().tolist()
    [2, 1, 3]
    """
    if lengths is None:
        return jax.tree.map(lambda leaf: leaf[::-1], tree)

    def leaf(a: Array) -> Array:
        time = jnp.arange(a.shape[0], dtype=lengths.dtype)[:, None]
        source = jnp.where(time < lengths, lengths - 1 - time, time)
        return jnp.take_along_axis(a, source.reshape(source.shape + (1,) * (a.ndim - 2)), axis=0)

    return jax.tree.map(leaf, tree)


def over_chunks(
    body: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    steps: Any,
    size: int,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """`jax.lax.scan` over chunks of `size` steps of a tree of (T, ...); the rest runs by itself."""
    total = jax.tree.leaves(steps)[0].shape[0]
    if total <= size:
        return body(carry, steps)
    whole = total - total % size
    chunks = jax.tree.map(lambda a: a[:whole].reshape(total // size, size, *a.shape[1:]), steps)
    rest = jax.tree.map(lambda a: a[whole:], steps)
    last = None
    if reverse and whole < total:
        carry, last = body(carry, rest)
    carry, out = jax.lax.scan(body, carry, chunks, reverse=reverse)
    if not reverse and whole < total:
        carry, last = body(carry, rest)
    out = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), out)
    return carry, out if last is None else jax.tree.map(lambda *a: jnp.concatenate(a), out, last)
