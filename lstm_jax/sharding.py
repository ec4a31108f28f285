"""Sequences spread over devices: each device runs its own, and none waits for another.

Left to the compiler, a loop whose batch is sharded adds up weight gradients over all devices within
the loop. Here the whole loop runs on each device's share of the batch, and weight gradients are
added up once, after it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

from lstm_jax.noise import Noise


def over_devices(run: Callable[..., Any], xs: Float[Array, "T B I"], results: int) -> Callable:
    """The same function, each device of the mesh in use running its share of the batch.

    That takes a mesh whose axes are part of types (`jax.make_mesh` makes such) and `xs` sharded
    along B over some of them; without either, `run` comes back as it is. Weights that are sharded
    over those axes are gathered; over other axes they stay as they are.

    Args:
        run: a function of (params, xs, state, lengths, resets, noise).
        xs: its inputs.
        results: how many things it returns: a final state, then sequences.
    """
    sharding = jax.typeof(xs).sharding
    if not sharding.mesh.explicit_axes:
        return run
    axes = sharding.spec[1]
    everywhere, rows, sequences = PartitionSpec(), PartitionSpec(axes), PartitionSpec(None, axes)
    returned = (rows, *[sequences] * (results - 1))

    def shares(
        params: Any, xs: Any, state: Any, lengths: Any, resets: Any, noise: Noise | None
    ) -> Any:
        of_noise: Any = everywhere
        if noise is not None:
            if noise.rows is None:
                noise = noise._replace(rows=jnp.arange(xs.shape[1]))
            of_noise = Noise(everywhere, rows, everywhere)  # type: ignore[arg-type]
        return jax.shard_map(
            run,
            in_specs=(everywhere, sequences, rows, rows, sequences, of_noise),
            out_specs=returned,
            axis_names={axes} if isinstance(axes, str) else set(axes),
            check_vma=False,
        )(params, xs, state, lengths, resets, noise)

    return jax.sharding.auto_axes(run if axes is None else shares, out_sharding=returned)
