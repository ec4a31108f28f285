"""`hk.LSTM` of haiku, by `hk.dynamic_unroll`."""

import functools

import haiku as hk
import jax

from experiments.bench.entry import Entry, JaxLayer, on_each
from experiments.bench.problem import Problem
from lstm_jax.interop import to_haiku


def entries(name: str, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """`hk.LSTM` on one device and on all."""

    def run(xs: jax.Array) -> jax.Array:
        core = hk.LSTM(problem.cell.hidden_size)
        return hk.dynamic_unroll(core, xs, core.initial_state(xs.shape[1]))[0]

    apply = hk.without_apply_rng(hk.transform(run)).apply
    write = functools.partial(to_haiku, problem.cell)
    layer = JaxLayer("haiku LSTM", name, write(problem.params), apply, by_name=dict, write=write)
    return on_each(layer, problem, devices)
