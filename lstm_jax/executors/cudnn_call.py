"""The one call of cuDNN: its packed weights, its first derivative, and no `jax.vmap`.

`jax.experimental.rnn` runs all layers of an LSTM, and both directions of each, in one call. A
layer of two directions is two pseudo-layers, the forward one first. The weights are one vector,
with the gates packed i, f, g, o as everywhere here:

    W_x (4H, I), W_h (4H, H)    of every pseudo-layer, the lowest first; then
    b_x (4H,),   b_h (4H,)      of every pseudo-layer

The two biases are only ever added; ours is b_x, and b_h is zero. Sources: `jax.experimental.rnn`
(the layout), `cudnnRNNMode_t` and `cudnnGetRNNWeightParams` in NVIDIA's cuDNN documentation (the
order of the gates).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental import rnn
from jax.lax import Precision
from jaxtyping import Array, Float, Int

from lstm_jax.cells import LSTMParams
from lstm_jax.executors.base import once_differentiable


class Plan(NamedTuple):
    """What cuDNN is told of the layers beside their arrays."""

    input_size: int
    hidden_size: int
    layers: int
    bidirectional: bool
    float32: bool
    """Whether products are float32 or, in less time, TensorFloat-32."""


def pack(params: Sequence[LSTMParams]) -> Float[Array, " N"]:
    """The vector of all weights from those of every pseudo-layer."""
    weights = [w.T.ravel() for each in params for w in (each.w_x, each.w_h)]
    biases = [b for each in params for b in (each.b, jnp.zeros_like(each.b))]
    return jnp.concatenate(weights + biases)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def call(
    plan: Plan,
    xs: Float[Array, "B T I"],
    h: Float[Array, "P B H"],
    c: Float[Array, "P B H"],
    weights: Float[Array, " N"],
    lengths: Int[Array, " B"],
) -> tuple[Float[Array, "B T Y"], Float[Array, "P B H"], Float[Array, "P B H"]]:
    """The outputs, batch-major, and the final h and c of the P pseudo-layers.

    Lengths are int32 in 1..T: cuDNN fails where one is 0 (jax-ml/jax issue 17966).
    """
    return _forward(plan, xs, h, c, weights, lengths)[0]


def _forward(plan: Plan, *arrays: Array) -> tuple[Any, Any]:
    return _guarded(lambda *arrays: rnn.lstm_fwd(*arrays, *_settings(plan)))(*arrays)


def _backward(plan: Plan, saved: Any, cotangents: Any) -> tuple[Any, ...]:
    pull_back = _guarded(lambda *arrays: rnn.lstm_bwd(*_settings(plan), *arrays)[:4])
    return *pull_back(saved, cotangents), None


call.defvjp(_forward, _backward)


def _settings(plan: Plan) -> tuple[Any, ...]:
    """As both functions of `jax.experimental.rnn` take them; the fourth is its dropout."""
    precision = Precision.HIGHEST if plan.float32 else Precision.HIGH
    return plan.input_size, plan.hidden_size, plan.layers, 0.0, plan.bidirectional, precision


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which says so where it is to be mapped, or differentiated once more."""
    unmapped = custom_vmap(function)

    @unmapped.def_vmap
    def refuse(axis_size: int, *mapped: Any) -> Any:
        raise NotImplementedError(
            f"executor 'cudnn' cannot run under jax.vmap, here over {axis_size}: cuDNN takes one "
            f"set of weights and one batch; use executor='fused' or 'scan'"
        )

    return once_differentiable(unmapped, "cudnn")
