"""What the kernels keep in a TPU's vector memory (VMEM), and how a sequence is cut to fit.

The grid is (blocks of the batch, blocks of time), time last and in order. The recurrent weights
and the state stay in VMEM for all the steps of a block of the batch; the rest streams through,
the next block of time being fetched while this one is computed.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax.cells.base import DenseCell

LANES, SUBLANES = 128, 8
"""A vector register holds 8 rows (of the batch) by 128 columns (of units)."""

VMEM = 48 * 2**20
"""Bytes that a kernel may take: from v5e on TPUs have 64 MiB and more, and XLA wants some."""

BATCHES = (256, 128)
"""Rows of a block, the best first, where a batch needs several: the weights are loaded into the
matrix unit once a step for all of them."""

STEPS = (16, 8, 4, 2, 1)
"""Steps of a block, the best first."""


class Blocks(NamedTuple):
    """The sizes of a block: rows of the batch, steps, and the width of a gate in whole lanes."""

    batch: int
    steps: int
    units: int


def up_to(size: int, whole: int) -> int:
    """The next multiple.

    >>> up_to(1, 8), up_to(8, 8), up_to(9, 8)
    (8, 8, 16)
    """
    return -(-size // whole) * whole


def candidates(cell: DenseCell, batch: int) -> list[Blocks]:
    """All ways to cut, the best first."""
    whole = up_to(batch, SUBLANES)
    rows = [whole] * (whole <= max(BATCHES)) + [size for size in BATCHES if size < whole]
    units = up_to(cell.hidden_size, LANES)
    return [Blocks(size, steps, units) for size in rows for steps in STEPS]


def choose_blocks(cell: DenseCell, batch: int) -> Blocks | None:
    """The best blocks that fit VMEM; None where none do.

    >>> from lstm_jax import LSTM
    >>> choose_blocks(LSTM(hidden_size=100), batch=20)
    Blocks(batch=24, steps=16, units=128)
    """
    fitting = (each for each in candidates(cell, batch) if vmem(cell, each) <= VMEM)
    return next(fitting, None)


def vmem(cell: DenseCell, blocks: Blocks) -> int:
    """Bytes of VMEM that the backward kernel takes, the larger of the two.

    There once: w_h and its transpose, and zh of a block and one step more. There twice, one being
    fetched or written while the other is computed with: zx, the gradients of zx and zh, the states
    and the gradient of what is shown; and, at both ends of a block, states and their gradients.
    """
    params = cell.param_shapes(1)
    gates = params.w_h.shape[-1] // cell.hidden_size
    states = len(jax.eval_shape(lambda p: cell.initial_state(p, 1), params))
    weights = 2 * gates * blocks.units**2 * jnp.dtype(cell.dtype or "float32").itemsize
    row = 4 * blocks.units
    each_step = 2 * (3 * gates + states + 1) + gates
    at_ends = 2 * 4 * states + gates
    return weights + blocks.batch * row * (blocks.steps * each_step + at_ends)


def pad(array: Float[Array, "..."], axis: int, size: int, to: int) -> Float[Array, "..."]:
    """An axis of packed parts of one size, each with zeros behind it.

    >>> pad(jnp.array([1.0, 2.0, 3.0, 4.0]), axis=0, size=2, to=3).tolist()
    [1.0, 2.0, 0.0, 3.0, 4.0, 0.0]
    """
    shape = list(array.shape)
    parts = shape[axis] // size
    apart = array.reshape(*shape[:axis], parts, size, *shape[axis + 1 :])
    widths = [(0, 0)] * apart.ndim
    widths[axis + 1] = (0, to - size)
    shape[axis] = parts * to
    return jnp.pad(apart, widths).reshape(shape)


def pad_params(cell: DenseCell, params: Any, units: int) -> Any:
    """Parameters of a cell of that many units, of which those beyond its own stay at zero.

    Zero is what every gate is given there, so the units beyond give nothing to those within.
    """
    size = cell.hidden_size
    params = jax.tree.map(lambda leaf: pad(leaf, leaf.ndim - 1, size, units), params)
    return params._replace(w_h=pad(params.w_h, 0, size, units))
