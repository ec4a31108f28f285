"""The reference: `jax.lax.scan` over `cell.step`.

The shortest code, for any cell; every transformation of JAX (jvp, grad of grad, vmap) works
through it. Reverse-mode memory grows as T times what a step saves.
"""

import dataclasses
from typing import Any

import jax

from lstm_jax import sequence
from lstm_jax.cells import Cell
from lstm_jax.executors.base import Executor, Inputs


@dataclasses.dataclass(frozen=True)
class Scan(Executor):
    """The reference: any cell, every transformation of JAX."""

    drawback = "its gradient adds to the weight gradients at every step"

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        initial = cell.initial_state(params, inputs.xs.shape[1])

        def advance(state: Any, now: Inputs) -> tuple[Any, Any]:
            state = sequence.restart(state, initial, now.resets)
            new, y = cell.step(params, state, now.x)
            return sequence.hold(state, new, now.mask), sequence.silence(y, now.mask)

        return jax.lax.scan(advance, state, inputs)
