"""What is the fused executor's own: chunks of any length, cells that it was not written for.

That it computes the same function as the others is the conformance table's to say.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import DTypeLike

from lstm_jax import LSTM, choose_executor, unroll
from lstm_jax.cells import Cell, SplitCell
from lstm_jax.executors import fused
from tests.cases import cotangents, draw, outputs_and_gradients
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(hidden_size=2)


@pytest.mark.few(4)
@pytest.mark.parametrize("steps", [1, 7, 8, 20, 21, 23, 40])
def test_a_sequence_of_any_length_gives_what_scan_gives(steps: int) -> None:
    """Shorter than a chunk, one chunk, several, and several with a rest."""
    call = draw(CELL, {"state", "lengths", "resets"}, steps=steps)
    weights = cotangents(CELL, call)
    results = [
        outputs_and_gradients(call, weights, cell=CELL, executor=executor, reverse=False)
        for executor in ("fused", "scan")
    ]
    assert_close(*results, CLOSE["float32"])


@pytest.mark.parametrize("steps", range(1, 200))
def test_chunks_stay_in_cache_and_leave_little(steps: int) -> None:
    length = fused.chunk_length(steps)
    assert length in fused.CHUNKS
    assert steps < length or steps % length <= min(steps % other for other in fused.CHUNKS)


class ScaledParams(NamedTuple):
    w: jax.Array
    scale: jax.Array
    start: jax.Array


class ScaledState(NamedTuple):
    h: jax.Array
    total: jax.Array


@dataclasses.dataclass(frozen=True)
class Scaled(SplitCell[ScaledParams, ScaledState]):
    """Reads its parameters in every part of a step, its initial state included."""

    output_size = 2

    def init(self, key: jax.Array, input_size: int, dtype: DTypeLike = "float32") -> ScaledParams:
        return ScaledParams(*(jnp.ones(shape, dtype) for shape in [(2, 2), (2,), (2,)]))

    def initial_state(self, params: ScaledParams, batch_size: int) -> ScaledState:
        start = jnp.broadcast_to(params.start, (batch_size, 2))
        return ScaledState(start, 2 * start)

    def project(self, params: ScaledParams, x: jax.Array) -> jax.Array:
        return x @ params.w

    def feedback(self, state: ScaledState) -> jax.Array:
        return state.h

    def recur(self, params: ScaledParams, r: jax.Array) -> jax.Array:
        return r @ params.w

    def activate(
        self, params: ScaledParams, state: ScaledState, zx: jax.Array, zh: jax.Array
    ) -> ScaledState:
        h = jnp.tanh(zx * zh + params.scale * state.total)
        return ScaledState(h, 0.9 * state.total + h)

    def output(self, params: ScaledParams, state: ScaledState) -> jax.Array:
        return state.total * params.scale


def test_a_cell_that_reads_its_parameters_everywhere_gets_all_its_gradients() -> None:
    call = draw(Scaled(), {"lengths", "resets"})
    weights = cotangents(Scaled(), call)
    (_, gradients), (_, expected) = (
        outputs_and_gradients(call, weights, cell=Scaled(), executor=executor, reverse=True)
        for executor in ("fused", "scan")
    )
    assert all(np.asarray(leaf).all() for leaf in gradients[0])
    assert_close(gradients, expected, CLOSE["float32"])


def test_a_cell_that_does_not_split_is_refused_with_the_reason() -> None:
    class Whole(Cell):
        output_size = 2
        init = initial_state = advance = output = None  # type: ignore[assignment]

    with pytest.raises(ValueError, match=r"executor .fused. cannot run .* does not split"):
        choose_executor(Whole(), "fused")


def test_forward_mode_says_that_it_cannot() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL))
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(
            lambda xs: unroll(CELL, call.params, xs, executor="fused")[1], (call.xs,), (call.xs,)
        )
