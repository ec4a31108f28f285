"""What is the checkpointed executor's own: segments of any length, and memory.

That it computes the same function as the others is the conformance table's to say.
"""

import jax
import jax.numpy as jnp
import pytest

from lstm_jax import LSTM, ResetFirstGRU, unroll
from lstm_jax.cells import Cell
from lstm_jax.executors import Checkpointed, Executor
from tests.cases import HIDDEN, cotangents, draw, outputs_and_gradients
from tests.tolerances import CLOSE, assert_close


@pytest.mark.few(2)
@pytest.mark.parametrize("segment", [5, None, 1, 16, 100])
@pytest.mark.parametrize("steps", [23, 16, 7, 1])
def test_segments_of_any_length_give_what_scan_gives(steps: int, segment: int | None) -> None:
    cell = LSTM(HIDDEN)
    call = draw(cell, {"state", "lengths", "resets"}, steps=steps)
    weights = cotangents(cell, call)
    results = [
        outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=False)
        for executor in (Checkpointed(segment), "scan")
    ]
    assert_close(*results, CLOSE["float32"])


@pytest.mark.parametrize("cell", [LSTM(32), ResetFirstGRU(32)], ids=str)
def test_memory_grows_as_the_square_root_of_the_steps(cell: Cell) -> None:
    def temporary_bytes(steps: int, executor: str | Executor) -> int:
        params = cell.init(jax.random.key(0), 1)

        def total(params: tuple, xs: jax.Array) -> jax.Array:
            return unroll(cell, params, xs, executor=executor)[0].h.sum()

        compiled = jax.jit(jax.grad(total)).lower(params, jnp.zeros((steps, 8, 1))).compile()
        return int(compiled.memory_analysis().temp_size_in_bytes)

    few, many = (temporary_bytes(steps, "checkpointed") for steps in (1_600, 160_000))
    assert many < 20 * few
    assert temporary_bytes(1_600, "scan") > 5 * few


@pytest.mark.parametrize("segment", [0, -1])
def test_a_segment_has_steps(segment: int) -> None:
    with pytest.raises(ValueError, match=f"Checkpointed.segment must be at least 1, got {segment}"):
        Checkpointed(segment)
