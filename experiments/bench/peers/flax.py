"""`nnx.RNN` and `linen.RNN` of flax, over their LSTM cells."""

import functools
from typing import Any

import jax
from flax import linen, nnx

from experiments.bench.entry import Entry, JaxLayer, on_each
from experiments.bench.problem import Problem
from lstm_jax.interop import to_linen, to_nnx


def entries(name: str, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """For "nnx" both of its cells, for "linen" the optimised one."""
    layers = [linen_layer(problem)]
    if name == "nnx":
        layers = [nnx_layer(problem, kind) for kind in (nnx.LSTMCell, nnx.OptimizedLSTMCell)]
    return [entry for layer in layers for entry in on_each(layer, problem, devices)]


def nnx_layer(problem: Problem, kind: type[nnx.LSTMCell | nnx.OptimizedLSTMCell]) -> JaxLayer:
    """An `nnx.RNN`, taken apart into its structure and its parameters."""
    optimized = kind is nnx.OptimizedLSTMCell
    inputs, hidden = problem.xs.shape[-1], problem.cell.hidden_size
    module = nnx.RNN(kind(inputs, hidden, rngs=nnx.Rngs(0)), time_major=True)
    write = functools.partial(to_nnx, problem.cell, optimized=optimized)
    structure, weights, *rest = nnx.split(module, nnx.Param, ...)
    nnx.replace_by_pure_dict(weights, {"cell": write(problem.params)})

    def apply(weights: Any, xs: jax.Array) -> jax.Array:
        return nnx.merge(structure, weights, *rest, copy=True)(xs)

    def by_name(gradient: Any) -> Any:
        return nnx.to_pure_dict(gradient)["cell"]

    return JaxLayer(f"nnx {kind.__name__}", "nnx", weights, apply, by_name=by_name, write=write)


def linen_layer(problem: Problem) -> JaxLayer:
    """A `linen.RNN`."""
    module = linen.RNN(linen.OptimizedLSTMCell(problem.cell.hidden_size), time_major=True)
    write = functools.partial(to_linen, problem.cell)

    def apply(weights: Any, xs: jax.Array) -> jax.Array:
        ys: jax.Array = module.apply({"params": {"cell": weights}}, xs)  # type: ignore[assignment]
        return ys

    weights = write(problem.params)
    return JaxLayer("linen OptimizedLSTMCell", "linen", weights, apply, by_name=dict, write=write)
