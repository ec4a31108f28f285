"""What is the fused executor's own: chunks of any length, cells that it was not written for.

That it computes the same function as the others is the conformance table's to say.
"""

import dataclasses
import functools
import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import DTypeLike

from lstm_jax import LSTM, choose_executor, unroll
from lstm_jax.cells import Cell, LSTMParams, SplitCell
from lstm_jax.executors import Fused, fused
from tests.cases import BATCH, CASES, OPTIONS, cotangents, draw, outputs_and_gradients
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(hidden_size=2)


@pytest.fixture
def traced_anew() -> Iterator[None]:
    """Around a test that sets what is read when a call is traced."""
    clear = importlib.import_module("lstm_jax.unroll")._run.clear_cache
    clear()
    yield
    clear()


@pytest.fixture
def small_chunks(traced_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """About 10 steps backwards and about 3 forwards."""
    monkeypatch.setattr(fused, "ROWS", 10 * BATCH)
    monkeypatch.setattr(fused, "FORWARD_SIZE", 3 * BATCH * 4 * CELL.hidden_size)


@pytest.fixture
def large_steps(traced_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step counts as one whose pullback is kept."""
    monkeypatch.setattr(fused, "SMALL_STEP", 0)


@pytest.mark.few(3)
@pytest.mark.parametrize("steps", [23, 1, 7, 40, 8, 20, 21])
def test_a_sequence_of_any_length_gives_what_scan_gives(steps: int, small_chunks: None) -> None:
    """Shorter than a chunk, one chunk, several, and several with a rest."""
    call = draw(CELL, {"state", "lengths", "resets"}, steps=steps)
    weights = cotangents(CELL, call)
    results = [
        outputs_and_gradients(call, weights, cell=CELL, executor=executor, reverse=False)
        for executor in ("fused", "scan")
    ]
    assert_close(*results, CLOSE["float32"])


@pytest.mark.few(1)
@pytest.mark.parametrize("case", ["lstm_variant of everything", "lstm", "gru", "elman", "lstm1997"])
def test_pullbacks_that_are_kept_give_what_scan_gives(case: str, large_steps: None) -> None:
    """And not those made again, as in all other tests of steps this small."""
    cell, _ = CASES[case]
    call = draw(cell, OPTIONS["all"], steps=23)
    weights = cotangents(cell, call)
    results = [
        outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=True)
        for executor in ("fused", "scan")
    ]
    assert_close(*results, CLOSE["float32"])


@pytest.mark.parametrize("batch, kept", [(8, False), (32, True)])
def test_steps_that_are_small_keep_their_states_alone(batch: int, kept: bool) -> None:
    cell, steps = LSTM(hidden_size=8), 64
    xs = jnp.zeros((steps, batch, 2))
    params = cell.init(jax.random.key(0), 2)

    def pullback(params: LSTMParams) -> Any:
        return jax.vjp(lambda params: unroll(cell, params, xs, executor="fused"), params)[1]

    saved = jax.tree.leaves(jax.eval_shape(pullback, params))
    of_a_unit = sum(leaf.size for leaf in saved) / (steps * batch * cell.hidden_size)
    assert (of_a_unit > 6) == kept, of_a_unit


@pytest.mark.parametrize("steps", [1, 2, 96, 127, 1000, 1009])
@pytest.mark.parametrize("batch", [0, 1, 3, 32, 2000])
@pytest.mark.parametrize("rows", [64, 1024])
def test_chunks_have_about_as_many_rows_and_leave_little(steps: int, batch: int, rows: int) -> None:
    length = fused.chunk_length(steps, batch, rows)
    assert 1 <= length <= steps
    assert length == steps or length * max(batch, 1) >= rows / 2 - batch
    assert length == 1 or length * batch <= rows * 3 / 2


@pytest.mark.few(2)
@pytest.mark.parametrize("chunk", [7, 50, 1, 3])
def test_a_chunk_of_ones_own(chunk: int) -> None:
    call = draw(CELL, {"state", "lengths", "resets"}, steps=23)
    weights = cotangents(CELL, call)
    results = [
        outputs_and_gradients(call, weights, cell=CELL, executor=executor, reverse=True)
        for executor in (Fused(chunk), "scan")
    ]
    assert_close(*results, CLOSE["float32"])


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_has_steps(chunk: int) -> None:
    with pytest.raises(ValueError, match=f"Fused.chunk must be at least 1, got {chunk}"):
        Fused(chunk)


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


def test_second_derivatives_are_those_of_scan() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, steps=5))

    def loss(xs: jax.Array, executor: str) -> jax.Array:
        return jnp.sum(unroll(CELL, call.params, xs, executor=executor)[1] ** 2)

    twice = (jax.hessian, lambda f: jax.jacrev(jax.grad(f)))
    for second in twice:
        found, expected = (
            second(functools.partial(loss, executor=name))(call.xs) for name in ("fused", "scan")
        )
        assert_close(found, expected, CLOSE["float32"])
