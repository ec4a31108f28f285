"""Bad numbers: what a seed does with a step whose loss or result is not finite.

    stop        the seed stops before that step
    skip        nothing is learnt from that batch
    rollback    parameters and optimiser go back to those at the last line of metrics, and on with
                the batches after the bad one (Chowdhery et al. 2022, section 5.1)

Under each of them such a step leaves the parameters finite. A seed whose steps are bad one after
another, `MAX_IN_A_ROW` of them, stops.
"""

from typing import Any, Literal, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

Policy = Literal["stop", "skip", "rollback"]

MAX_IN_A_ROW = 100

Tree = TypeVar("Tree")


class Health(NamedTuple):
    """The bad steps of a seed."""

    failed_at: Int[Array, ""]
    """The step, counted from zero, before which it stopped; -1 while it goes on."""
    bad_steps: Int[Array, ""]
    """Steps that were skipped or rolled back."""
    in_a_row: Int[Array, ""]
    """How many of them were the latest."""


def sound() -> Health:
    """The health of a seed before its first step."""
    return Health(jnp.int32(-1), jnp.int32(0), jnp.int32(0))


def has_failed(health: Health) -> Bool[Array, ""]:
    """Whether the seed has stopped."""
    return health.failed_at >= 0


def after(health: Health, ok: Bool[Array, ""], step: Int[Array, ""], policy: Policy) -> Health:
    """The health after step `step`."""
    bad = (~ok).astype(jnp.int32)
    in_a_row = (health.in_a_row + 1) * bad
    fails = ~ok if policy == "stop" else in_a_row >= MAX_IN_A_ROW
    return Health(jnp.where(fails, step, health.failed_at), health.bad_steps + bad, in_a_row)


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every floating-point number of a tree is finite.

    >>> all_finite({"a": jnp.ones(3), "b": jnp.int32(1)}), all_finite([jnp.log(0.0)])
    (Array(True, dtype=bool), Array(False, dtype=bool))
    """
    ok = jnp.bool_(True)
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            ok &= jnp.isfinite(leaf).all()
    return ok


def select(condition: Bool[Array, ""], one: Tree, other: Tree) -> Tree:
    """One of two trees of the same structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
