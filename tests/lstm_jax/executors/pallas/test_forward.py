"""The forward kernel by itself, against steps taken one by one."""

import functools

import jax
import jax.numpy as jnp

from lstm_jax.executors.pallas.forward import forward
from tests.lstm_jax.executors.pallas.kernel_cases import LOOP, given, stepped
from tests.tolerances import CLOSE, assert_close


def test_final_state_and_what_is_emitted_of_every_step() -> None:
    reads = given()
    final, states = stepped(reads, jnp.zeros_like(reads.zx))
    run = functools.partial(forward, LOOP, lambda state: (state, 2 * state.h))
    found = jax.jit(run)(reads)
    assert_close((found.final, found.emitted), (final, (states, 2 * states.h)), CLOSE["float32"])
