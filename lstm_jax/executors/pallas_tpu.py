"""The whole loop as two TPU kernels, forwards and backwards, written in JAX Pallas.

    before    zx of the whole sequence, one product
    forward   a kernel with w_h and the state in vector memory (VMEM): it reads zx, and writes
              what the cell shows, or all states where a gradient will be taken
    backward  a kernel that reads zx, the states and the gradient of what was shown, and writes
              the gradients of the pre-activations
    after     the weight gradients, one product each

The kernels call the cell's own `activate`, and JAX derives it inside them; so they serve every
`DenseCell`. The grid follows google-deepmind/recurrentgemma: batch, then time in order.
Reverse mode only.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax import sequence
from lstm_jax.cells import Cell, Wrapper
from lstm_jax.cells.base import DenseCell
from lstm_jax.executors.base import Executor, Inputs, Request, once_differentiable
from lstm_jax.executors.pallas.backward import backward
from lstm_jax.executors.pallas.forward import Reads, forward
from lstm_jax.executors.pallas.layout import (
    VMEM,
    candidates,
    choose_blocks,
    pad,
    pad_params,
    up_to,
    vmem,
)
from lstm_jax.executors.pallas.step import HELD, PLAIN, RESTARTED, Loop


@dataclasses.dataclass(frozen=True)
class PallasTPU(Executor):
    """The loop as a TPU kernel, its weights and state in vector memory; LSTM, GRU, Elman, IRNN.

    Args:
        interpret: run the kernels as plain JAX, on any platform: slow, to test them.
    """

    automatic = False
    drawback = "first derivatives in reverse mode alone; compiled for TPUs, never run on one"

    interpret: bool = False

    def unsupported(self, request: Request) -> str | None:
        cell, inputs = request.cell, request.inputs
        if not isinstance(cell, DenseCell):
            return f"its kernels are for LSTM, GRU, Elman and IRNN, not for {cell}"
        if request.platform != "tpu" and not self.interpret:
            return f"it needs a TPU; this is {request.platform}"
        if cell.dtype == "float16":
            return "a TPU multiplies in bfloat16 or float32, not in float16"
        if inputs is not None and inputs.xs.dtype == jnp.float64:
            return "it computes in float32, not in float64"
        steps, batch = (1, 1) if inputs is None else inputs.xs.shape[:2]
        if steps == 0 or batch == 0:
            return f"it needs a step and a sequence, got (T, B) = ({steps}, {batch})"
        if choose_blocks(cell, batch) is None:
            least = vmem(cell, candidates(cell, batch)[-1])
            return (
                f"{cell} needs {least / 2**20:.0f} MiB of vector memory "
                f"for its weights and blocks, above {VMEM / 2**20:.0f} MiB"
            )
        return None

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        dense = cell.cell if isinstance(cell, Wrapper) else cell
        assert isinstance(dense, DenseCell)
        _, batch, _ = inputs.xs.shape
        units = dense.hidden_size
        blocks = choose_blocks(dense, batch)
        assert blocks is not None
        rows = up_to(batch, blocks.batch)
        params = pad_params(dense, params, blocks.units)
        state = jax.tree.map(lambda a: pad(pad(a, 1, units, blocks.units), 0, batch, rows), state)
        zx = dense.product(pad(inputs.xs, 1, batch, rows), params.w_x)
        loop = Loop(cell, dense, blocks, self.interpret)
        final, ys = _run(loop, params._replace(w_x=None), state, zx, _flags(inputs, rows))
        final, ys = jax.tree.map(lambda a: a[..., :batch, :units], (final, ys))
        return final, sequence.silence(ys, inputs.mask)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _run(loop: Loop, held: Any, state: Any, zx: Array, flags: Array | None) -> tuple[Any, Any]:
    """The final state and what is shown; `held` are the parameters that a step reads."""
    found = forward(loop, loop.show, _reads(loop, held, state, zx, flags))
    return found.final, found.emitted


def _forward(loop: Loop, held: Any, state: Any, zx: Array, flags: Array | None) -> tuple[Any, Any]:
    run = once_differentiable(lambda reads: forward(loop, lambda state: state, reads), "pallas_tpu")
    final, states = run(_reads(loop, held, state, zx, flags))
    return (final, loop.show(states)), (held, state, zx, flags, states)


def _backward(loop: Loop, saved: tuple, cotangents: tuple) -> tuple[Any, Any, Array, None]:
    held, state, zx, flags, states = saved
    reads = _reads(loop, held, state, zx, flags)
    run = once_differentiable(lambda *given: backward(loop, loop.show, *given), "pallas_tpu")
    found = run(reads, states, *cotangents)
    feedback = loop.dense.feedback
    fed = jnp.concatenate([feedback(state)[None], feedback(states)[:-1]])
    if flags is not None:
        fed = sequence.silence(fed, flags[:, 0] < RESTARTED)
    _, recur = jax.vjp(lambda w_h: loop.dense.product(fed, w_h), held.w_h)
    (d_w_h,) = recur(found.zx if found.zh is None else found.zh)
    d_rest = jax.tree.map(lambda leaf: leaf[0], found.rest)
    return d_rest._replace(w_h=d_w_h), found.state, found.zx, None


_run.defvjp(_forward, _backward)


def _reads(loop: Loop, held: Any, state: Any, zx: Array, flags: Array | None) -> Reads:
    weights = held.w_h.astype(loop.dense.dtype or held.w_h.dtype)
    rest = jax.tree.map(lambda leaf: leaf[None], held._replace(w_h=None))
    return Reads(weights, rest, state, zx, flags)


def _flags(inputs: Inputs, rows: int) -> Float[Array, "T 1 {rows}"] | None:
    """What each step is to its sequence."""
    mask, resets = inputs.mask, inputs.resets
    if mask is None and resets is None:
        return None
    flags = jnp.full(inputs.xs.shape[:2], PLAIN, jnp.float32)
    flags = flags if resets is None else jnp.where(resets, RESTARTED, flags)
    flags = flags if mask is None else jnp.where(mask, flags, HELD)
    return pad(flags, 1, flags.shape[1], rows)[:, None]
