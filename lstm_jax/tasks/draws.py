"""Random draws that samplers share."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Integer, PRNGKeyArray


def integers(
    key: PRNGKeyArray, below: Sequence[int] | Integer[Array, " N"] | Integer[np.ndarray, " N"]
) -> Int[Array, " N"]:
    """An integer from 0 up to, not including, each of some bounds, in one draw.

    The odds are uniform to within bound / 2**32. `jax.random.randint` is exact, at the price of
    three random functions for each bound; compiling those was the larger part of a sampler.

    >>> [int(n) for n in integers(jax.random.key(0), [1, 10, 1000])]
    [0, 2, 96]
    """
    bits = jax.random.bits(key, (len(below),), jnp.uint32)
    return (bits % jnp.asarray(below, jnp.uint32)).astype(jnp.int32)


def distinct(key: PRNGKeyArray, below: int, count: int) -> Int[Array, "{count}"]:
    """`count` different integers from 0 up to, not including, `below`, in any order.

    Floyd's algorithm (Bentley & Floyd 1987) takes one draw for each, however large `below` is.

    >>> [int(n) for n in distinct(jax.random.key(0), 1000, 3)]
    [21, 522, 988]
    """
    key_set, key_order = jax.random.split(key)
    largest = jnp.arange(below - count, below)

    def take(
        found: Int[Array, " C"], step: tuple[Array, Array, Array]
    ) -> tuple[Int[Array, " C"], None]:
        place, drawn, largest = step
        return found.at[place].set(jnp.where((found == drawn).any(), largest, drawn)), None

    steps = (jnp.arange(count), integers(key_set, largest + 1), largest)
    found, _ = jax.lax.scan(take, jnp.full(count, -1), steps)
    return found[jnp.argsort(jax.random.bits(key_order, (count,)))]
