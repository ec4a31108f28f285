"""A cell as Flax calls its own: one step, over any batch axes."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax import arguments
from lstm_jax.cells import Cell, widen


def step(
    cell: Cell, params: Any, carry: Any, inputs: Float[Array, "*B I"]
) -> tuple[Any, Float[Array, "*B H"]]:
    """The new carry and the output; all axes of `inputs` but the last are batch axes.

    Raises ValueError for inputs of another width or a carry of other batch axes, TypeError for a
    carry that is not the cell's state.
    """
    inputs = jnp.asarray(inputs)
    *batch, width = jnp.shape(inputs)
    size = math.prod(batch)
    x = arguments.check_inputs(cell, params, inputs.reshape(1, size, width))[0]
    params = widen(params)
    expected = jax.eval_shape(lambda p: initial_carry(cell, p, tuple(batch)), params)
    arguments.check_tree("carry", carry, expected)
    flat = jax.tree.map(lambda a: jnp.reshape(a, (size, *a.shape[len(batch) :])), carry)
    new, y = cell.step(params, flat, x)
    return jax.tree.map(lambda a: a.reshape(*batch, *a.shape[1:]), (new, y))


def initial_carry(cell: Cell, params: Any, batch: tuple[int, ...]) -> Any:
    """The state before the first step; leaves are (*batch, ...)."""
    state = cell.initial_state(widen(params), math.prod(batch))
    return jax.tree.map(lambda a: a.reshape(*batch, *a.shape[1:]), state)


def check_cell(cell: Any) -> None:
    """Refuse what is no cell of ours; a stack or a pair of directions has no carry of one step."""
    if not isinstance(cell, Cell):
        given = cell if isinstance(cell, type) else type(cell).__name__
        raise TypeError(f"RNNCell takes a Cell of lstm_jax, such as LSTM(64), got {given}")


def check_draws_nothing(cell: Cell, deterministic: bool) -> None:
    """Refuse a cell in training that draws noise: a step alone has no sequence to draw for."""
    if cell.draws and not deterministic:
        raise ValueError(
            f"{cell} draws noise for whole sequences and RNNCell sees one step; "
            f"train it in Recurrent, or give deterministic=True"
        )
