"""Many seeds at once, over all devices of a machine.

A mesh has two axes: "seeds" (different seeds, no communication at all) and "data" (the batch of
each seed, whose gradients are averaged). Within a device, the seeds that fall to it run side by
side (`jax.vmap`) or one after another (`jax.lax.map`). Side by side shares the cost of each small
operation; one after another keeps a large model in cache.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.stages import Wrapped

from lstm_jax.training.loop import SeedState, Training, evaluate, run_steps, start

SIDE_BY_SIDE_SIZE = 1024
"""Elements of the largest parameter up to which the seeds of a device run side by side."""


class Program(NamedTuple):
    """The functions of a run, over all its seeds; leaves have a leading axis of seeds."""

    start: Wrapped
    """The seeds (S,) -> `SeedState`."""
    run_steps: Wrapped
    """`SeedState`, a step -> `SeedState` at that step or at the solving one, `Totals`."""
    evaluate: Wrapped
    """`SeedState` -> `SeedState`, `Scores`."""


def choose_mesh(devices: Sequence[jax.Device], seeds: int, batch_size: int) -> Mesh:
    """The mesh that uses most devices: over seeds first, as they never wait for one another.

    Each axis divides what it shares out; devices that are left over stay idle.

    >>> dict(choose_mesh(jax.devices()[:1], seeds=4, batch_size=8).shape)
    {'seeds': 1, 'data': 1}
    """
    counts = range(1, len(devices) + 1)
    shapes = [
        (over_seeds, over_data)
        for over_seeds, over_data in itertools.product(counts, counts)
        if over_seeds * over_data <= len(devices)
        and seeds % over_seeds == 0
        and batch_size % over_data == 0
    ]
    over_seeds, over_data = max(shapes, key=lambda shape: (math.prod(shape), shape))
    used = np.asarray(devices[: over_seeds * over_data]).reshape(over_seeds, over_data)
    return Mesh(used, ("seeds", "data"))


def build_program(training: Training, mesh: Mesh) -> Program:
    """Compile-ready functions of `training` over the seeds and devices of `mesh`."""
    training = dataclasses.replace(training, axis="data", shares=mesh.shape["data"])
    side_by_side = runs_side_by_side(training)
    by_seed = P("seeds")
    states = SeedState._make([by_seed] * len(SeedState._fields))
    states = states._replace(carry=P("seeds", "data"))

    def compiled(
        function: Callable, inputs: tuple, outputs: Any, together: bool, **options: Any
    ) -> Any:
        """`function` of one seed, and of arguments that all share, over the seeds of the mesh."""

        def on_one_device(state: Any, *shared: Any) -> Any:
            def one(seed_state: Any) -> Any:
                return function(training, seed_state, *shared)

            return jax.vmap(one)(state) if together else jax.lax.map(one, state)

        def placed(specs: Any) -> Any:
            return jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)

        mapped = jax.shard_map(
            on_one_device, mesh=mesh, in_specs=inputs, out_specs=outputs, check_vma=False
        )
        return jax.jit(
            mapped, in_shardings=placed(inputs), out_shardings=placed(outputs), **options
        )

    return Program(
        start=compiled(start, (by_seed,), states, together=False),
        run_steps=compiled(
            run_steps, (states, P()), (states, by_seed), together=side_by_side, donate_argnums=0
        ),
        evaluate=compiled(evaluate, (states,), (states, by_seed), together=side_by_side),
    )


def runs_side_by_side(training: Training) -> bool:
    """Whether the seeds of one device are better run by `vmap` than one after another.

    Small models are bound by the count of operations, which `vmap` shares. Beyond a size it
    turns recurrent products into batched ones that XLA's CPU backend computes many times slower.
    """
    params = jax.eval_shape(training.model.init, jax.random.key(0))
    return max(leaf.size for leaf in jax.tree.leaves(params)) <= SIDE_BY_SIDE_SIZE
