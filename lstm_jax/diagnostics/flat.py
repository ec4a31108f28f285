"""A state as one row of numbers: its leaves side by side, in order."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def laid(state: Any) -> Float[Array, "*T B S"]:
    """The leaves side by side.

    >>> from lstm_jax import LSTMState
    >>> laid(LSTMState(c=jnp.array([[1, 2]]), h=jnp.array([[3, 4]]))).tolist()
    [[1, 2, 3, 4]]
    """
    return jnp.concatenate(jax.tree.leaves(state), axis=-1)


def parted(numbers: Float[Array, "*T B S"], like: Any) -> Any:
    """Numbers that lie side by side, as leaves of the widths that those of `like` have."""
    leaves, tree = jax.tree.flatten(like)
    ends = [sum(leaf.shape[-1] for leaf in leaves[:n]) for n in range(1, len(leaves))]
    return jax.tree.unflatten(tree, jnp.split(numbers, ends, axis=-1))
