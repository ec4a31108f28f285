"""The backward kernel by itself, against JAX's derivative of steps taken one by one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.executors.pallas.backward import backward
from tests.cases import normal
from tests.lstm_jax.executors.pallas.kernel_cases import LOOP, given, stepped
from tests.tolerances import CLOSE, assert_close


def test_gradients_of_all_that_enters_and_of_the_recurrent_product() -> None:
    reads = given()

    def run(rest: tuple, state: tuple, zx: jax.Array, zh: jax.Array) -> tuple:
        return stepped(reads._replace(rest=rest, state=state, zx=zx), zh)

    entering = (reads.rest, reads.state, reads.zx, jnp.zeros_like(reads.zx))
    final, states = run(*entering)
    weights = normal(np.random.default_rng(1), (final, states))
    wanted = jax.jit(lambda entering, weights: jax.vjp(run, *entering)[1](weights))(
        entering, weights
    )
    find = functools.partial(backward, LOOP, lambda state: state)
    assert_close(tuple(jax.jit(find)(reads, states, *weights)), wanted, CLOSE["float32"])
