"""A loop small enough to be stepped by hand, for the tests of both kernels."""

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import GRU
from lstm_jax.cells.gru import GRUParams, GRUState
from lstm_jax.executors.pallas import forward
from lstm_jax.executors.pallas.layout import Blocks
from lstm_jax.executors.pallas.step import HELD, PLAIN, RESTARTED, Loop

UNITS, BATCH, STEPS = 5, 16, 7
CELL = GRU(UNITS)
LOOP = Loop(CELL, CELL, Blocks(batch=8, steps=4, units=UNITS), interpret=True)
"""Two blocks of the batch, and of time one and a rest."""


def given() -> forward.Reads:
    """Random arrays for every number that enters the loop."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> jax.Array:
        return jnp.float32(rng.normal(scale=0.7, size=shape))

    rest = GRUParams(None, None, normal(1, 3 * UNITS), normal(1, UNITS))  # type: ignore[arg-type]
    flags = jnp.float32(rng.choice([HELD, PLAIN, RESTARTED], (STEPS, 1, BATCH), p=[0.2, 0.6, 0.2]))
    state = GRUState(normal(BATCH, UNITS))
    return forward.Reads(
        normal(UNITS, 3 * UNITS), rest, state, normal(STEPS, BATCH, 3 * UNITS), flags
    )


@jax.jit
def stepped(reads: forward.Reads, zh: jax.Array) -> tuple[GRUState, GRUState]:
    """The final state and the states, step by step; `zh` is added to every recurrent product."""

    def advance(state: GRUState, step: tuple) -> tuple[GRUState, GRUState]:
        zx, zh, flags = step
        flag = flags[0][:, None]
        h = jnp.where(flag == RESTARTED, 0.0, state.h)
        new = CELL.activate(reads.rest, GRUState(h), zx + reads.rest.b, h @ reads.weights + zh)
        state = GRUState(jnp.where(flag == HELD, h, new.h))
        return state, state

    return jax.lax.scan(advance, reads.state, (reads.zx, zh, reads.flags))
