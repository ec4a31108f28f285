"""Compile the training step of a config for a platform that may not be here, and tell its costs.

What is compiled is what `run` would run there: all seeds, spread over the devices.
"""

import math
import re
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.stages import Lowered
from jaxtyping import Array
from rich.console import Console

from experiments.build import Build, build
from experiments.compile.costs import Costs, Memory, print_costs
from experiments.compile.flops import matmul_flops
from experiments.compile.platforms import Target, find
from experiments.config import Experiment
from experiments.run.describe import describe_start
from experiments.run.run import BadInput
from lstm_jax.executors import Inputs, compiling_for
from lstm_jax.layers import Bidirectional
from lstm_jax.noise import Noise
from lstm_jax.unroll import Choice, choose_executor

NO_ROOM = "RESOURCE_EXHAUSTED"


class Step(NamedTuple):
    """The training step of all seeds, ready for a compiler."""

    lowered: Lowered
    flops: int
    memory: Memory
    """What the shapes tell of it."""
    choices: list[tuple[str, Choice]]
    """What runs each kind of cell, and why."""


def compile_step(experiment: Experiment, platform: str, console: Console) -> bool:
    """Compile for `platform` and print what it costs; False where it is known not to fit.

    Raises BadInput for a platform that there is not, or not here, and for settings that
    contradict one another or that an executor cannot serve there.
    """
    if experiment.train.online:
        raise BadInput("train.online is true; only training by whole batches can be compiled ahead")
    try:
        target = find(platform)
        parts = build(experiment, target.devices)
        began = time.perf_counter()
        step = lower(experiment, parts, target)
    except (NotImplementedError, OSError, ValueError) as error:
        raise BadInput(str(error)) from error
    start = describe_start(experiment, parts, target.name)
    console.print(start, highlight=False, markup=False)
    tracing = time.perf_counter() - began
    costs = Costs(target, parts.mesh.size, step.memory, step.flops, tracing)
    if target.compiles:
        costs = compiled(step.lowered, costs)
    print_costs(console, step.choices, costs)
    return costs.fits is not False


def lower(experiment: Experiment, parts: Build, target: Target) -> Step:
    """Trace the step with the executors of the target and lower it to what its compiler reads.

    Raises ValueError or NotImplementedError, from executors alone, for what one cannot serve.
    """
    with compiling_for(target.executors):
        states = jax.eval_shape(parts.program.start)
        until, afresh = (jax.ShapeDtypeStruct((), dtype) for dtype in (jnp.int32, jnp.bool_))
        traced = parts.program.run_steps.trace(states, until, afresh)
        lowered = traced.lower(lowering_platforms=(target.name,))
        choices = choose(parts, experiment.train.batch_size // experiment.train.shares)
    state = on_one_device(states)
    arguments = state + until.dtype.itemsize + afresh.dtype.itemsize
    memory = Memory(arguments, on_one_device(traced.out_info), state)
    lanes = parts.program.lanes
    groups_held = lanes.cost(lanes.start >= 0)  # what is traced is a loop over all groups
    flops = matmul_flops(traced.jaxpr) * groups_held // lanes.groups
    return Step(lowered, flops, memory, choices)


def on_one_device(tree: Any) -> int:
    """The bytes of a tree of sharded `jax.ShapeDtypeStruct`, on each of its devices."""
    return sum(
        math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize
        for leaf in jax.tree.leaves(tree)
    )


def compiled(lowered: Lowered, costs: Costs) -> Costs:
    """The costs with what the compiler adds to them."""
    began = time.perf_counter()
    try:
        plan = lowered.compile().memory_analysis()
    except jax.errors.JaxRuntimeError as error:
        if NO_ROOM not in str(error):
            raise
        refusal = _in_short(str(error))
        return costs._replace(refusal=refusal, compiling=time.perf_counter() - began)
    assert plan is not None
    memory = Memory(
        arguments=plan.argument_size_in_bytes,
        outputs=plan.output_size_in_bytes,
        reused=plan.alias_size_in_bytes,
        temporary=plan.temp_size_in_bytes,
        code=plan.generated_code_size_in_bytes,
    )
    return costs._replace(memory=memory, compiling=time.perf_counter() - began)


def _in_short(refusal: str) -> str:
    """The sentence of a compiler's message that says what there is no room for.

    >>> _in_short("RESOURCE_EXHAUSTED: E1: Oom: Ran out of HBM (20.5G of 15.75G). Module: jit.")
    'Ran out of HBM (20.5G of 15.75G)'
    """
    sentence = re.split(r"\.\s", refusal.partition("\n")[0])[0]
    return re.sub(r"^(\w+: )+", "", sentence)


def choose(parts: Build, share: int) -> list[tuple[str, Choice]]:
    """The kinds of cell in the model, and what runs each on a share of a batch."""
    task, model = parts.task, parts.model
    rows, step = (jax.ShapeDtypeStruct(shape, jnp.int32) for shape in ((share,), ()))
    batch = jax.eval_shape(task.batch, jax.random.key(0), step, rows)
    steps = len(batch.weights)
    mask: Any = None if batch.lengths is None else jax.ShapeDtypeStruct((steps, share), bool)
    width = model.embedding_size or model.input_size
    choices: list[tuple[str, Choice]] = []
    for layer in model.stack.layers:
        cells = (layer.forward, layer.backward) if isinstance(layer, Bidirectional) else (layer,)
        xs: Any = jax.ShapeDtypeStruct((steps, share, width), jnp.float32)
        for cell in cells:
            keys = jax.eval_shape(_keys, xs) if cell.draws_each_step else None
            choice = choose_executor(cell, model.executor, Inputs(xs, keys, mask))
            if (str(cell), choice) not in choices:
                choices.append((str(cell), choice))
        width = layer.output_size
    return choices


def _keys(xs: Array) -> Array:
    return Noise(jax.random.key(0)).of_steps(*xs.shape[:2])
