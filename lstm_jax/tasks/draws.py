"""Random draws that samplers share."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray


def integers(key: PRNGKeyArray, below: Sequence[int]) -> Int[Array, " N"]:
    """An integer from 0 up to, not including, each of some bounds, in one draw.

    The odds are uniform to within bound / 2**32. `jax.random.randint` is exact, at the price of
    three random functions for each bound; compiling those was the larger part of a sampler.

    >>> [int(n) for n in integers(jax.random.key(0), [1, 10, 1000])]
    [0, 2, 96]
    """
    bits = jax.random.bits(key, (len(below),), jnp.uint32)
    return (bits % jnp.asarray(below, jnp.uint32)).astype(jnp.int32)
