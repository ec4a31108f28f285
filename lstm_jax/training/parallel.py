"""Many members at once, over all devices of a machine, or of several.

A mesh has two axes: "seeds" (different members, no communication at all) and "data" (the shares of
each batch, whose gradients are averaged). Within a device, the members of a group run side by side
(`jax.vmap`), which shares the cost of each small operation; groups run one after another
(`jax.lax.map`), which keeps a large model in cache and lets a group that is done cost nothing.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.stages import Wrapped
from jaxtyping import Array, Bool, Int

from lstm_jax.tasks import Scores
from lstm_jax.training.examine import examine
from lstm_jax.training.lanes import Lanes
from lstm_jax.training.loop import (
    Learnt,
    Member,
    SeedState,
    Totals,
    Training,
    diagnose,
    evaluate,
    run_steps,
    runs,
    start,
)

BATCHED_SIZE = 1024
"""Elements of the largest parameter up to which members run side by side. Beyond it `vmap` turns
recurrent products into batched ones that XLA's CPU backend computes many times slower."""
WIDTHS = ((32, 8), (256, 4), (1024, 2))
"""Gate values of a step, 4·B·H for an LSTM, up to which so many members run side by side. A
wider group shares operations among more; a narrower one wastes less on lanes that are empty."""


class Standing(NamedTuple):
    """What a host reads of each lane after a call; known to all processes."""

    place: Int[Array, " L"]
    step: Int[Array, " L"]
    solved_at: Int[Array, " L"]
    failed_at: Int[Array, " L"]
    bad_steps: Int[Array, " L"]
    running: Bool[Array, " L"]
    totals: Totals

    @classmethod
    def of(cls, states: SeedState) -> "Standing":
        """The standing that states tell."""
        health = states.health
        return cls(
            place=states.member.place,
            step=states.step,
            solved_at=states.record.solved_at,
            failed_at=health.failed_at,
            bad_steps=health.bad_steps,
            running=runs(states),
            totals=states.totals,
        )


class Program(NamedTuple):
    """The functions of a run, over all its members; leaves have a leading axis of lanes."""

    lanes: Lanes
    start: Wrapped
    """() -> `SeedState`."""
    run_steps: Wrapped
    """`SeedState`, a step, whether a line of metrics begins -> `SeedState` at that step or at the
    one where a member stopped, `Standing`."""
    evaluate: Wrapped
    """`SeedState`, which lanes are to be scored -> `SeedState`, `Standing`, `Scores` of those."""
    diagnose: Wrapped
    """`SeedState` -> what `Training.diagnose` tells of each lane."""
    examine: Wrapped
    """`SeedState` -> whether each quantity of the coming step is finite."""
    reorder: Wrapped
    """`SeedState`, for each lane the one whose member should go there -> `SeedState`."""
    by_member: Wrapped
    """`SeedState`, the lane of each member -> `SeedState` with an axis of members instead of lanes,
    which is the same on any number of devices."""
    in_lanes: Wrapped
    """The reverse: with every member in the lane that it starts in."""


def members(seeds: Sequence[int], learning_rate: float, init: int = 0) -> Member:
    """Members that differ by their seed alone."""
    count = len(seeds)
    fields: dict[str, Any] = {
        "place": np.arange(count, dtype=np.int32),
        "seed": np.asarray(seeds, np.int32),
        "learning_rate": np.full(count, learning_rate, np.float32),
        "init": np.full(count, init, np.int32),
    }
    return Member(**fields)


def together(several: Sequence[Member]) -> Member:
    """All members, one after another, with places of their own."""
    fields: list[Any] = [np.concatenate(each) for each in zip(*several, strict=True)]
    place: Any = np.arange(len(fields[0]), dtype=np.int32)
    return Member(*fields)._replace(place=place)


def choose_mesh(devices: Sequence[jax.Device], groups: int, shares: int) -> Mesh:
    """The mesh that uses most devices: over members first, as they never wait for one another.

    Over the shares of a batch go as many devices as divide them; devices left over stay idle.

    >>> dict(choose_mesh(jax.devices()[:1], groups=4, shares=2).shape)
    {'seeds': 1, 'data': 1}
    """
    counts = range(1, len(devices) + 1)
    shapes = [
        (over_seeds, over_data)
        for over_seeds, over_data in itertools.product(counts, counts)
        if over_seeds * over_data <= len(devices)
        and over_seeds <= groups
        and shares % over_data == 0
    ]
    over_seeds, over_data = max(shapes, key=lambda shape: (math.prod(shape), shape))
    used = np.asarray(devices[: over_seeds * over_data]).reshape(over_seeds, over_data)
    return Mesh(used, ("seeds", "data"))


def group_width(training: Training) -> int:
    """How many members of a model run side by side; a function of the settings alone.

    Small models are bound by the count of operations, which `vmap` shares.
    """
    params = jax.eval_shape(training.model.init, jax.random.key(0))
    leaves = jax.tree.leaves(params)
    if max(leaf.size for leaf in leaves) > BATCHED_SIZE:
        return 1
    rows = training.batch_size // training.shares
    gates = rows * max(leaf.shape[-1] for leaf in leaves if leaf.ndim)
    return next((width for most, width in WIDTHS if gates <= most), 1)


def build_program(training: Training, who: Member, mesh: Mesh, width: int) -> Program:
    """Compile-ready functions that train `who`, in groups of `width`, on the devices of `mesh`."""
    training = dataclasses.replace(training, axis="data", devices=mesh.shape["data"])
    lanes = Lanes(len(who.place), width, mesh.shape["seeds"])
    by_lane = P("seeds")
    learnt = Learnt(by_lane, by_lane, P("seeds", "data"))
    states = SeedState._make([by_lane] * len(SeedState._fields))
    snapshot = learnt if training.on_nonfinite == "rollback" else None
    states = states._replace(learnt=learnt, snapshot=snapshot)

    def placed(specs: Any) -> Any:
        return jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)

    def over_lanes(
        function: Callable, arguments: tuple, outputs: Any, together: bool, of_others: Any = None
    ) -> Callable:
        """`function` of a lane, and of arguments that all share, over the lanes of the mesh.

        With `of_others`, a lane comes with whether it is asked for; that takes the place of
        `function` in groups of which no lane is.
        """

        def on_one_device(lanes_here: Any, *shared: Any) -> Any:
            def one(lane: Any) -> Any:
                return function(training, lane, *shared)

            def of_group(group: Any) -> Any:
                if of_others is None:
                    return _of_each(one, group)
                _, asked = group
                return jax.lax.cond(
                    asked.any(), partial(_of_each, one), partial(_of_each, of_others), group
                )

            if not together:
                return jax.lax.map(one, lanes_here)
            groups = jax.tree.map(
                lambda a: a.reshape(a.shape[0] // width, width, *a.shape[1:]), lanes_here
            )  # no -1: a record may be empty
            done = jax.lax.map(of_group, groups)
            return jax.tree.map(lambda a: a.reshape(a.shape[0] * width, *a.shape[2:]), done)

        return jax.shard_map(
            on_one_device, mesh=mesh, in_specs=arguments, out_specs=outputs, check_vma=False
        )

    steps = over_lanes(run_steps, (states, P(), P()), states, together=True)
    tested = over_lanes(_test, ((states, by_lane),), (states, by_lane), True, of_others=_untested)
    diagnosed = over_lanes(diagnose, (states,), by_lane, together=True)
    examined = over_lanes(examine, (states,), by_lane, together=True)
    started = over_lanes(start, (by_lane,), states, together=False)
    beginners = _in_lanes(who, lanes)

    def run_all(states: SeedState, until: Array, afresh: Array) -> tuple[SeedState, Standing]:
        states = steps(states, until, afresh)
        return states, Standing.of(states)

    def evaluate_all(states: SeedState, asked: Array) -> tuple[SeedState, Standing, Any]:
        states, scores = tested((states, asked))
        return states, Standing.of(states), scores

    def start_all() -> SeedState:
        return started(jax.tree.map(jnp.asarray, beginners))

    def reorder(states: SeedState, order: Int[Array, " L"]) -> SeedState:
        return jax.tree.map(lambda leaf: leaf[order], states)

    here, everywhere = placed(states), placed(P())
    even = lanes.members % lanes.devices == 0
    each = here if even else placed(jax.tree.map(lambda spec: P(None, *spec[1:]), states))
    return Program(
        lanes=lanes,
        start=jax.jit(start_all, out_shardings=here),
        run_steps=jax.jit(
            run_all,
            in_shardings=(here, everywhere, everywhere),
            out_shardings=(here, everywhere),
            donate_argnums=0,
        ),
        evaluate=jax.jit(
            evaluate_all,
            in_shardings=(here, everywhere),
            out_shardings=(here, everywhere, everywhere),
        ),
        diagnose=jax.jit(diagnosed, in_shardings=(here,), out_shardings=everywhere),
        examine=jax.jit(examined, in_shardings=(here,), out_shardings=everywhere),
        reorder=jax.jit(
            reorder, in_shardings=(here, everywhere), out_shardings=here, donate_argnums=0
        ),
        by_member=jax.jit(by_member, in_shardings=(here, everywhere), out_shardings=each),
        in_lanes=jax.jit(partial(in_lanes, lanes=lanes), in_shardings=(each,), out_shardings=here),
    )


def by_member(states: SeedState, lane_of: Int[Array, " M"]) -> SeedState:
    """States with an axis of members instead of lanes."""
    return jax.tree.map(lambda leaf: leaf[lane_of], states)


def in_lanes(states: SeedState, lanes: Lanes) -> SeedState:
    """The reverse: every member in the lane that it starts in; an empty lane has a copy."""
    filled: SeedState = jax.tree.map(lambda leaf: leaf[np.maximum(lanes.start, 0)], states)
    place = jnp.asarray(lanes.start, jnp.int32)
    return filled._replace(member=filled.member._replace(place=place))


def _of_each(function: Callable, group: Any) -> Any:
    """`function` of the lanes of a group, side by side.

    A lane by itself has no axis: XLA's products of one matrix are faster than those of a batch.
    """
    if len(jax.tree.leaves(group)[0]) > 1:
        return jax.vmap(function)(group)
    done = function(jax.tree.map(lambda a: a[0], group))
    return jax.tree.map(lambda a: a[None], done)


def _test(training: Training, lane: tuple[SeedState, Array]) -> tuple[SeedState, Scores]:
    """A lane's scores, whether they are asked for or not."""
    return evaluate(training, lane[0])


def _untested(lane: tuple[SeedState, Array]) -> tuple[SeedState, Scores]:
    """What stands for the scores of a lane that are not asked for."""
    return lane[0], Scores(*[jnp.float32(0.0)] * len(Scores._fields))


def _in_lanes(who: Member, lanes: Lanes) -> Member:
    """The members in their lanes; an empty lane holds the first one's settings and no place."""
    place: Any = lanes.start.astype(np.int32)
    filled: list[Any] = [np.asarray(field)[np.maximum(place, 0)] for field in who]
    return Member(*filled)._replace(place=place)
