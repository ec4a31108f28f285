"""One LSTM layer of a framework, ready to be timed; and any layer on JAX made into one.

The gradient is that of all parameters, not of the inputs. A layer on JAX runs on one device, as
its users call it, or with the batch shared out over several: `jax.shard_map`, the gradients of the
devices added up (`psum`).
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from experiments.bench.problem import Problem, distance
from experiments.bench.timing import Call
from lstm_jax.training import choose_mesh

WAYS = ("forward", "gradient")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A layer of a framework, with its weights and data in place.

    Args:
        name: what a table calls it.
        peer: the framework, "lstm_jax" for ours.
        runs_on: how much of the machine it uses, as "2 devices" or "2 threads".
        sharded: whether its batch is shared out over several devices.
        forward: computes the outputs.
        gradient: computes the loss and its gradient.
        outputs: the outputs (T, B, H) of what `forward` returned.
        by_name: the gradient of what `gradient` returned, by the framework's own names.
        write: parameters of ours by the framework's own names.
        compile_seconds: tracing and compiling each of `WAYS`; empty where nothing is compiled.
    """

    name: str
    peer: str
    runs_on: str
    sharded: bool
    forward: Call
    gradient: Call
    outputs: Callable[[Any], np.ndarray]
    by_name: Callable[[Any], Any]
    write: Callable[[Any], Any]
    compile_seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def distances(self, problem: Problem) -> dict[str, float]:
        """How far outputs and gradient are from those of float64, by `WAYS`.

        Where a framework has an entry that we have not, such as torch's second bias, which our
        sum of both stands for already, that entry is not compared.
        """
        zero, one, exact = (
            self.write(jax.tree.map(change, problem.gradient))
            for change in (np.zeros_like, np.ones_like, np.float64)
        )
        expected = jax.tree.map(np.subtract, exact, zero)  # haiku shifts a bias by one
        counted = jax.tree.map(lambda a, b: a != b, one, zero)
        gradient = self.by_name(self.gradient())
        return {
            "forward": distance(self.outputs(self.forward()), problem.outputs),
            "gradient": distance(gradient, expected, counted),
        }


class JaxLayer(NamedTuple):
    """An LSTM layer of a framework on JAX.

    `apply(weights, xs)` gives all outputs; `by_name` turns a tree like `weights` into one by the
    framework's own names, `write` our parameters. `batch_axis` is 1 for (T, B, I), 0 for (B, T, I).
    """

    name: str
    peer: str
    weights: Any
    apply: Callable[[Any, jax.Array], jax.Array]
    by_name: Callable[[Any], Any]
    write: Callable[[Any], Any]
    batch_axis: int = 1


def on_devices(layer: JaxLayer, problem: Problem, devices: list[jax.Device]) -> Entry:
    """Compile a layer for as many of the devices as divide the batch."""
    axis = layer.batch_axis
    mesh = choose_mesh(devices, groups=1, shares=problem.xs.shape[1])
    shares, batch = mesh.shape["data"], P(*[None] * axis, "data")

    def forward(weights: Any, xs: jax.Array) -> jax.Array:
        return layer.apply(weights, xs)

    def gradient(weights: Any, xs: jax.Array, loss_weights: jax.Array) -> Any:
        def loss(weights: Any) -> jax.Array:
            return (layer.apply(weights, xs) * loss_weights).sum()

        found = jax.value_and_grad(loss)(weights)
        return jax.lax.psum(found, "data") if shares > 1 else found

    def placed(value: Any, spec: P) -> Any:
        where = NamedSharding(mesh, spec) if shares > 1 else mesh.devices.flat[0]
        return jax.device_put(value, where)

    def compiled(function: Callable, arguments: tuple, outputs: P) -> tuple[Call, float]:
        if shares > 1:
            inputs = (P(), *[batch] * (len(arguments) - 1))
            function = jax.shard_map(
                function, mesh=mesh, in_specs=inputs, out_specs=outputs, check_vma=False
            )
        run, seconds = compile_anew(function, *arguments)
        return lambda: jax.block_until_ready(run(*arguments)), seconds

    weights = placed(layer.weights, P())
    data = [jnp.asarray(a) if axis else a.swapaxes(0, 1) for a in (problem.xs, problem.weights)]
    xs, loss_weights = (placed(a, batch) for a in data)
    run_forward, forward_seconds = compiled(forward, (weights, xs), batch)
    run_gradient, gradient_seconds = compiled(gradient, (weights, xs, loss_weights), P())
    return Entry(
        name=layer.name,
        peer=layer.peer,
        runs_on=f"{shares} device" + "s" * (shares > 1),
        sharded=shares > 1,
        forward=run_forward,
        gradient=run_gradient,
        outputs=lambda ys: np.asarray(ys if axis else ys.swapaxes(0, 1)),
        by_name=lambda found: jax.tree.map(np.asarray, layer.by_name(found[1])),
        write=layer.write,
        compile_seconds={"forward": forward_seconds, "gradient": gradient_seconds},
    )


def on_each(layer: JaxLayer, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """The layer on one device and, where the batch can be shared out, on all."""
    alone = on_devices(layer, problem, devices[:1])
    shared = on_devices(layer, problem, devices)
    return [alone, shared] if shared.sharded else [alone]


def compile_anew(function: Callable, *arguments: Any) -> tuple[Callable, float]:
    """Trace and compile with nothing remembered of earlier calls; and the seconds it took."""
    jax.clear_caches()
    began = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    return compiled, time.perf_counter() - began
