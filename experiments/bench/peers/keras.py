"""`keras.layers.LSTM` on keras' JAX backend, batch-major (B, T, I) as its users have it."""

import functools
import os
from typing import Any

import jax

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when keras is imported

import keras

from experiments.bench.entry import Entry, JaxLayer, on_each
from experiments.bench.peers import Unavailable
from experiments.bench.problem import Problem
from lstm_jax.interop import to_keras

if keras.backend.backend() != "jax":
    raise Unavailable(
        f"keras runs on its backend {keras.backend.backend()!r} here and is compared on JAX; "
        "set KERAS_BACKEND=jax"
    )


def entries(name: str, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """The layer on one device and on all."""
    module = keras.layers.LSTM(problem.cell.hidden_size, return_sequences=True)
    module.build((None, None, problem.xs.shape[-1]))
    names = [variable.name for variable in module.trainable_variables]
    others = [variable.value for variable in module.non_trainable_variables]
    write = functools.partial(to_keras, problem.cell)

    def apply(weights: Any, xs: jax.Array) -> jax.Array:
        return module.stateless_call([weights[each] for each in names], others, xs)[0]

    layer = JaxLayer(
        "keras LSTM", name, write(problem.params), apply, by_name=dict, write=write, batch_axis=0
    )
    return on_each(layer, problem, devices)
