"""What the tests of the Flax modules run on: a layer of every kind, random batch-major arrays."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import GRU, LSTM, Bidirectional, LearnedState, RecurrentDropout, Stack, Zoneout
from lstm_jax.cells import LSTM1997, Cell, LSTMVariant
from lstm_jax.layers import Layer, unroll_layer
from tests.cases import normal

STEPS, BATCH, INPUTS = 7, 4, 2

EVERYTHING = LSTMVariant(
    3, peepholes=True, gate_recurrence=True, projection_size=2, layer_norm=True
)

LAYERS: dict[str, Cell | Layer] = {
    "lstm": LSTM(3),
    "lstm variant": EVERYTHING,
    "lstm1997": LSTM1997(3),
    "learned state": LearnedState(GRU(3)),
    "stack": Stack((LSTM(3), GRU(3)), residual=True),
    "bidirectional": Bidirectional(LSTM(3), GRU(2)),
    "sum": Bidirectional(GRU(3), LSTM(3), merge="sum"),
    "pair": Bidirectional(LSTM(3), GRU(2), merge="none"),
    "deep": Stack((Bidirectional(LSTM(3), LSTM(3)), Zoneout(LSTM(4), c=0.2, h=0.1)), dropout=0.3),
}

NOISY: dict[str, Cell | Layer] = {
    "zoneout": Zoneout(LSTM(3), c=0.3, h=0.2),
    "recurrent dropout": RecurrentDropout(GRU(3), rate=0.5),
    "between layers": Stack((LSTM(3), LSTM(3)), dropout=0.5),
    "within a direction": Bidirectional(Zoneout(LSTM(3), h=0.4), GRU(3)),
}
"""Layers that do something else in training than at evaluation."""


class Call(NamedTuple):
    """The arrays of a call, batch-major."""

    params: Any
    xs: Any
    state: Any
    lengths: Any
    resets: Any


@functools.cache
def draw(layer: Cell | Layer, seed: int = 0) -> Call:
    """A random call; lengths are 0, T and two others."""
    rng = np.random.default_rng(seed)
    like = jax.eval_shape(lambda key: layer.init(key, INPUTS), jax.random.key(0))
    state = jax.eval_shape(lambda params: layer.initial_state(params, BATCH), like)
    call = Call(
        params=normal(rng, like, scale=0.7),
        xs=normal(rng, jax.ShapeDtypeStruct((BATCH, STEPS, INPUTS), "float32")),
        state=normal(rng, state),
        lengths=np.array([STEPS, 0, 3, 5]),
        resets=rng.random((BATCH, STEPS)) < 0.2,
    )
    return jax.tree.map(jnp.array, call)


@functools.cache
def expected(layer: Cell | Layer, reverse: bool = False) -> Any:
    """(final state, batch-major outputs) of that call, by the layer itself."""
    call = draw(layer)
    options = {"reverse": True} if reverse else {}

    @jax.jit
    def run(call: Call) -> Any:
        return unroll_layer(
            layer,
            call.params,
            call.xs.swapaxes(0, 1),
            call.state,
            lengths=call.lengths,
            resets=call.resets.T,
            **options,
        )

    final, ys = run(call)
    return final, jax.tree.map(lambda y: y.swapaxes(0, 1), ys)


def weighted(ys: Any) -> jax.Array:
    """A number that every output enters with a weight of its own."""
    rng = np.random.default_rng(16)
    return sum(jnp.vdot(normal(rng, y), y) for y in jax.tree.leaves(ys))
