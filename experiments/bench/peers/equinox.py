"""`eqx.nn.LSTMCell` of equinox, under `jax.vmap` and `jax.lax.scan` as its documentation has it."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from experiments.bench.entry import Entry, JaxLayer, on_each
from experiments.bench.problem import Problem
from lstm_jax.interop import to_equinox


def entries(name: str, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """`eqx.nn.LSTMCell` on one device and on all."""
    inputs, hidden = problem.xs.shape[-1], problem.cell.hidden_size
    write = functools.partial(to_equinox, problem.cell)
    arrays = write(problem.params)
    drawn, structure = eqx.partition(
        eqx.nn.LSTMCell(inputs, hidden, key=jax.random.key(0)), eqx.is_array
    )
    names = list(arrays)
    weights = eqx.tree_at(
        lambda cell: [getattr(cell, each) for each in names], drawn, list(arrays.values())
    )

    def apply(weights: Any, xs: jax.Array) -> jax.Array:
        cell = jax.vmap(eqx.combine(weights, structure))

        def step(state: Any, x: jax.Array) -> Any:
            state = cell(x, state)
            return state, state[0]

        start = jnp.zeros((xs.shape[1], hidden), xs.dtype)
        return jax.lax.scan(step, (start, start), xs)[1]

    def by_name(gradient: Any) -> Any:
        return {each: getattr(gradient, each) for each in names}

    layer = JaxLayer("equinox LSTMCell", name, weights, apply, by_name=by_name, write=write)
    return on_each(layer, problem, devices)
