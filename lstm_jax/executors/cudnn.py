"""NVIDIA's cuDNN: an LSTM's layers and directions in one call, on one GPU.

A `Stack` or a `Bidirectional` of plain LSTMs comes whole, as a `Layered` cell; `cudnn_call.py` has
the call and the layout of its weights.

Products are as precise as `jax.default_matmul_precision` asks, here as in all of JAX on a GPU:
TensorFloat-32, unless it is "highest" or "float32".
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.backend import get_backend
from jaxtyping import Array, Bool, Int

from lstm_jax import sequence
from lstm_jax.cells import LSTM, Cell, LSTMParams, LSTMState, Wrapper
from lstm_jax.executors.base import Executor, Inputs, Layered, Request
from lstm_jax.executors.cudnn_call import Plan, call, pack

FLOAT32 = ["highest", "float32", "F32_F32_F32"]
TENSORFLOAT32 = [None, "default", "bfloat16", "high", "tensorfloat32", "TF32_TF32_F32"]
"""What `jax.default_matmul_precision` may be, and what cuDNN multiplies in then."""


@dataclasses.dataclass(frozen=True)
class Cudnn(Executor):
    """NVIDIA's own LSTM: plain LSTMs in float32, layers and directions in one call."""

    automatic = False
    drawback = "this project has not measured it; reverse mode alone, and no vmap"
    takes_layers = True

    def unsupported(self, request: Request) -> str | None:
        return next(_reasons(request), None)

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        if isinstance(cell, Wrapper):
            raise ValueError(
                "executor 'cudnn' cannot return all states: cuDNN gives the last one; "
                "use executor='fused' or 'scan'"
            )
        lengths, some = _lengths(inputs)
        # An empty sequence runs one step, from a state of zeros over inputs of zeros, and none of
        # it is kept: all that it adds to gradients are finite numbers times cotangents of zero.
        start = sequence.silence(state, some)
        states, tree = jax.tree.flatten(start, is_leaf=lambda node: isinstance(node, LSTMState))
        directions = cell.directions if isinstance(cell, Layered) else 1
        plan = Plan(
            input_size=inputs.xs.shape[-1],
            hidden_size=states[0].h.shape[-1],
            layers=len(states) // directions,
            bidirectional=directions == 2,
            float32=_precision() in FLOAT32,
        )
        each = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, LSTMParams))
        h, c = jnp.stack([s.h for s in states]), jnp.stack([s.c for s in states])
        ys, h, c = call(plan, inputs.xs.swapaxes(0, 1), h, c, pack(each), lengths)
        final = jax.tree.unflatten(tree, map(LSTMState, c, h))
        ys = sequence.silence(ys.swapaxes(0, 1), inputs.mask)
        return sequence.hold(state, final, some), ys


def _lengths(inputs: Inputs) -> tuple[Int[Array, " B"], Bool[Array, " B"] | None]:
    """Lengths as cuDNN takes them, 1..T, and which sequences have a step; None where all have."""
    steps, batch, _ = inputs.xs.shape
    if inputs.mask is None:
        return jnp.full(batch, steps, jnp.int32), None
    lengths = inputs.mask.sum(axis=0, dtype=jnp.int32)
    return jnp.maximum(lengths, 1), lengths > 0


def _precision() -> str | None:
    return jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]


def _reasons(request: Request) -> Iterator[str]:
    """Why cuDNN cannot serve a call."""
    cells = request.cell.cells if isinstance(request.cell, Layered) else (request.cell,)
    for cell in cells:
        if type(cell) is not LSTM:
            yield f"it computes plain LSTM only, not {cell}"
        elif cell.dtype not in (None, "float32"):
            yield f"its products are TensorFloat-32 or float32, not {cell.dtype}"
    sizes = [cell.output_size for cell in cells]
    if len(set(sizes)) > 1:
        yield f"its layers and directions have one hidden size, not {sizes}"
    if request.platform != "gpu":
        yield f"it needs an NVIDIA GPU; this is {request.platform}"
    elif reason := lacking_on_this_host():
        yield reason
    if (precision := _precision()) not in FLOAT32 + TENSORFLOAT32:
        yield (
            f"its products are TensorFloat-32 or float32, and jax_default_matmul_precision is "
            f"{precision!r}; 'tensorfloat32' and 'float32' fit"
        )
    if request.inputs is not None:
        if request.inputs.resets is not None:
            yield "it has no resets"
        if request.inputs.xs.dtype != jnp.float32:
            yield f"it computes in float32 alone, not {request.inputs.xs.dtype}"
        if 0 in request.inputs.xs.shape:
            yield f"it needs steps, sequences and inputs; xs (T, B, I) is {request.inputs.xs.shape}"


def lacking_on_this_host() -> str | None:
    """What this host lacks to compile the call for a GPU, or None.

    The forward pass keeps an array for the backward one. Its size has to be known when the call is
    traced, and cuDNN tells it only where there is a GPU.
    """
    if jax.default_backend() != "gpu":
        return "cuDNN needs an NVIDIA GPU to compile for one, and this host has none"
    if "rocm" in get_backend().platform_version.lower():
        return "it needs an NVIDIA GPU; this is one of AMD"
    return None
