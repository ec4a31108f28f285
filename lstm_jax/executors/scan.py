"""The reference: `jax.lax.scan` over `cell.step`.

The shortest code, for any cell; every transformation of JAX (jvp, grad of grad, vmap) works
through it. Reverse-mode memory grows as T times what a step saves.
"""

from typing import Any

import jax
from jaxtyping import Array, Bool, Float

from lstm_jax import sequence
from lstm_jax.cells import Cell


def run(
    cell: Cell,
    params: Any,
    state: Any,
    xs: Float[Array, "T B I"],
    mask: Bool[Array, "T B"] | None = None,
    resets: Bool[Array, "T B"] | None = None,
) -> tuple[Any, Float[Array, "T B H"]]:
    initial = cell.initial_state(params, xs.shape[1])

    def advance(state: Any, inputs: tuple) -> tuple[Any, Array]:
        x, keep, reset = inputs
        state = sequence.restart(state, initial, reset)
        new, y = cell.step(params, state, x)
        return sequence.hold(state, new, keep), sequence.silence(y, keep)

    return jax.lax.scan(advance, state, (xs, mask, resets))


def unsupported(cell: Cell) -> str | None:
    return None
