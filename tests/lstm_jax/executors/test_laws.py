"""Laws of a sequence, for every executor and cell: what holds without knowing any number."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import unroll
from lstm_jax.cells import Cell, SplitCell
from tests.cases import (
    BATCH,
    CASES,
    CROSS,
    INPUTS,
    SERVING,
    STEPS,
    cotangents,
    draw,
    outputs,
    outputs_and_gradients,
    turned,
)
from tests.tolerances import CLOSE, assert_close

HALF = 18
Run = Callable[..., tuple[Any, jax.Array]]

either_way = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])


@pytest.fixture(params=CROSS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def cell(pair: tuple[str, str]) -> Cell:
    return CASES[pair[1]][0]


@pytest.fixture
def run(pair: tuple[str, str], cell: Cell) -> Run:
    return functools.partial(outputs, cell=cell, executor=pair[0])


@pytest.fixture
def run_and_differentiate(pair: tuple[str, str], cell: Cell) -> Run:
    return functools.partial(outputs_and_gradients, cell=cell, executor=pair[0])


def test_equals_stepping_one_by_one(cell: Cell, run: Run) -> None:
    call = draw(cell, {"state"})
    step = jax.jit(cell.step)
    state, ys = call.state, []
    for x in call.xs:
        state, y = step(call.params, state, x)
        ys.append(y)
    assert_close(run(call), (state, np.stack(ys)), CLOSE["float32"])


@pytest.mark.few(4)
def test_cut_in_two_with_the_state_carried_equals_the_whole(cell: Cell, run: Run) -> None:
    call = draw(cell, {"state", "lengths"}, steps=2 * HALF)
    first = call._replace(xs=call.xs[:HALF], lengths=np.minimum(call.lengths, HALF))
    state, early = run(first)
    rest = np.maximum(call.lengths - HALF, 0)
    final, late = run(call._replace(state=state, xs=call.xs[HALF:], lengths=rest))
    assert_close(run(call), (final, np.concatenate([early, late])), CLOSE["float32"])


def test_resets_begin_separate_sequences(cell: Cell, run: Run) -> None:
    call = draw(cell, {"state"}, steps=2 * HALF)
    resets = np.zeros((2 * HALF, BATCH), bool)
    resets[HALF] = True
    _, early = run(call._replace(xs=call.xs[:HALF]))
    final, late = run(call._replace(xs=call.xs[HALF:], state=None))
    whole = run(call._replace(resets=resets))
    assert_close(whole, (final, np.concatenate([early, late])), CLOSE["float32"])


def test_reverse_is_its_own_mirror(cell: Cell, run: Run) -> None:
    call = draw(cell, {"state", "lengths", "resets"})
    xs, resets = turned(call.xs, call.lengths), turned(call.resets, call.lengths)
    final, ys = run(call._replace(xs=xs, resets=resets))
    mirrored = final, turned(ys, call.lengths)
    assert_close(run(call, reverse=True), mirrored, CLOSE["float32"])


@pytest.mark.few(8)
@either_way
def test_length_0_returns_the_state_it_began_with(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths", "resets"})
    resets = np.ones_like(call.resets)  # not even a reset counts past the end
    empty = call.lengths == 0
    assert empty.any()
    final, _ = run(call._replace(resets=resets), reverse=reverse)
    pick = functools.partial(jax.tree.map, lambda leaf: leaf[empty])
    chex.assert_trees_all_equal(pick(final), pick(call.state))


@pytest.mark.few(8)
@either_way
def test_past_its_end_a_sequence_is_silent(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths"})
    _, ys = run(call, reverse=reverse)
    silent = np.all(np.asarray(ys) == 0, axis=-1)
    np.testing.assert_array_equal(silent, np.arange(STEPS)[:, None] >= call.lengths)


@pytest.mark.few(12)
@either_way
@pytest.mark.parametrize("rubbish", [np.nan, np.inf])
def test_padding_neither_enters_nor_receives(
    cell: Cell, run_and_differentiate: Run, reverse: bool, rubbish: float
) -> None:
    """Whatever the padding of inputs, resets and cotangents holds: its gradient is exactly zero."""
    call = draw(cell, {"state", "lengths", "resets"})
    d_final, d_ys = cotangents(cell, call)
    padding = np.arange(STEPS)[:, None] >= call.lengths
    spoilt = call._replace(
        xs=np.where(padding[:, :, None], np.float32(rubbish), call.xs),
        resets=call.resets ^ padding,
    )
    spoilt_d_ys = np.where(padding[:, :, None], np.float32(rubbish), d_ys)
    clean = run_and_differentiate(call, (d_final, d_ys), reverse=reverse)
    found = run_and_differentiate(spoilt, (d_final, spoilt_d_ys), reverse=reverse)
    chex.assert_tree_all_finite(found)
    chex.assert_trees_all_equal(found, clean)
    _, (_, d_xs, _) = found
    assert padding.any()
    assert not np.asarray(d_xs)[padding].any()


@pytest.mark.few(4)
def test_a_reset_stops_the_gradient(cell: Cell, run_and_differentiate: Run) -> None:
    call = draw(cell, {"state", "resets"})
    resets = np.zeros_like(call.resets)
    resets[HALF, 1] = True
    d_final, d_ys = cotangents(cell, call)
    weights = d_final, np.where(np.arange(STEPS)[:, None, None] < HALF, np.float32(0), d_ys)
    _, (_, d_xs, d_state) = run_and_differentiate(
        call._replace(resets=resets), weights, reverse=False
    )
    reached: Any = np.asarray(d_xs).any(axis=-1)
    np.testing.assert_array_equal(reached[:HALF].any(axis=0), np.arange(BATCH) != 1)
    assert reached[HALF:].all()
    assert not any(np.asarray(leaf)[1].any() for leaf in jax.tree.leaves(d_state))


@pytest.mark.few(4)
def test_examples_of_a_batch_do_not_meet(cell: Cell, run_and_differentiate: Run) -> None:
    """A loss of one example alone has no gradient in the others."""
    call = draw(cell, {"state", "lengths", "resets"})
    only = np.arange(BATCH) == np.argmax(call.lengths)
    d_final, d_ys = cotangents(cell, call)
    d_final = jax.tree.map(lambda leaf: leaf * only[:, None].astype(leaf.dtype), d_final)
    weights = d_final, d_ys * only[:, None].astype(d_ys.dtype)
    _, (_, d_xs, d_state) = run_and_differentiate(call, weights, reverse=False)
    np.testing.assert_array_equal(np.asarray(d_xs).any(axis=(0, 2)), only)
    assert not any(np.asarray(leaf)[~only].any() for leaf in jax.tree.leaves(d_state))


@pytest.mark.few(6)
@either_way
def test_no_steps_return_the_state(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths", "resets"}, steps=0)
    final, ys = run(call, reverse=reverse)
    assert ys.shape == (0, BATCH, cell.output_size)
    chex.assert_trees_all_equal(final, call.state)


@pytest.mark.few(12)
@pytest.mark.parametrize("steps, batch", [(0, 3), (5, 0), (0, 0)])
@pytest.mark.parametrize("truncate", [None, 2])
def test_nothing_to_do_is_done(
    cell: Cell, pair: tuple[str, str], steps: int, batch: int, truncate: int | None
) -> None:
    """No steps, or no sequences: empty outputs, and gradients of zero."""
    params = jax.tree.map(jnp.asarray, draw(cell).params)
    xs = jnp.zeros((steps, batch, INPUTS))

    def total(params: Any) -> jax.Array:
        _, ys = unroll(cell, params, xs, truncate=truncate, executor=pair[0])
        assert ys.shape == (steps, batch, cell.output_size)
        return ys.sum()

    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(jax.grad(total)(params)))


class Start(NamedTuple):
    start: jax.Array


@dataclasses.dataclass(frozen=True)
class Sum(SplitCell[Start, Start]):
    """The sum of all inputs since a learned beginning."""

    output_size: int = INPUTS

    def init(self, key: jax.Array, input_size: int, dtype: Any = jnp.float32) -> Start:
        return Start(jax.random.normal(key, (input_size,), dtype))

    def initial_state(self, params: Start, batch_size: int) -> Start:
        return Start(jnp.tile(params.start, (batch_size, 1)))

    def project(self, params: Start, x: jax.Array) -> jax.Array:
        return x

    def feedback(self, state: Start) -> jax.Array:
        return state.start

    def recur(self, params: Start, r: jax.Array) -> jax.Array:
        return r

    def activate(self, params: Start, state: Start, zx: jax.Array, zh: jax.Array) -> Start:
        return Start(zx + zh)

    def output(self, params: Start, state: Start) -> jax.Array:
        return state.start


@pytest.mark.parametrize("executor", SERVING)
def test_resets_go_back_to_a_learned_beginning_and_teach_it(executor: str) -> None:
    cell, call = Sum(), draw(Sum())
    resets = np.zeros((STEPS, BATCH), bool)
    resets[5, 0] = resets[HALF, 0] = resets[9, 1] = True  # sequences 2 and 3 have none

    def total(params: Start, state: Start | None) -> jax.Array:
        given = call._replace(params=params, state=state, resets=resets)
        return jnp.sum(outputs(given, cell=cell, executor=executor)[0].start)

    heard = call.xs[HALF:, 0].sum() + call.xs[9:, 1].sum() + call.xs[:, 2:].sum()
    value, gradient = jax.value_and_grad(total)(call.params, None)
    assert_close(value, BATCH * call.params.start.sum() + heard, CLOSE["float32"])
    np.testing.assert_array_equal(gradient.start, [4, 4])
    given = Start(jnp.full((BATCH, INPUTS), 0.5))
    to_params, to_state = jax.grad(total, argnums=(0, 1))(call.params, given)
    np.testing.assert_array_equal(to_params.start, [2, 2])
    np.testing.assert_array_equal(to_state.start[:, 0], [0, 0, 1, 1])
