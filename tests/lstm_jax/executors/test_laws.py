"""Laws of a sequence, for every executor and cell: what holds without knowing any number."""

import functools
from collections.abc import Callable
from typing import Any

import chex
import jax
import numpy as np
import pytest

from lstm_jax.cells import Cell
from tests.cases import BATCH, CASES, HIDDEN, INPUTS, PAIRS, STEPS
from tests.cases import cotangents, draw, outputs, outputs_and_gradients
from tests.tolerances import CLOSE, assert_close

HALF = 18
Run = Callable[..., tuple[Any, jax.Array]]

either_way = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])


@pytest.fixture(params=PAIRS, ids="-".join)
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


def turned(array: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each sequence backwards within its length, its padding left behind it."""
    array = np.array(array)
    for b, length in enumerate(lengths):
        array[:length, b] = array[:length, b][::-1]
    return array


def test_equals_stepping_one_by_one(cell: Cell, run: Run) -> None:
    call = draw(cell, {"state"})
    step = jax.jit(cell.step)
    state, ys = call.state, []
    for x in call.xs:
        state, y = step(call.params, state, x)
        ys.append(y)
    assert_close(run(call), (state, np.stack(ys)), CLOSE["float32"])


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


@either_way
def test_length_0_returns_the_state_it_began_with(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths", "resets"})
    resets = np.ones_like(call.resets)  # not even a reset counts past the end
    empty = call.lengths == 0
    assert empty.any()
    final, _ = run(call._replace(resets=resets), reverse=reverse)
    pick = functools.partial(jax.tree.map, lambda leaf: leaf[empty])
    chex.assert_trees_all_equal(pick(final), pick(call.state))


@either_way
def test_past_its_end_a_sequence_is_silent(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths"})
    _, ys = run(call, reverse=reverse)
    silent = np.all(np.asarray(ys) == 0, axis=-1)
    np.testing.assert_array_equal(silent, np.arange(STEPS)[:, None] >= call.lengths)


@either_way
@pytest.mark.parametrize("rubbish", [np.nan, np.inf])
def test_padding_neither_enters_nor_receives(
    cell: Cell, run_and_differentiate: Run, reverse: bool, rubbish: float
) -> None:
    """Whatever lies in the padding of inputs, resets and cotangents: nothing changes, and the
    gradient into it is exactly zero."""
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


def test_a_reset_stops_the_gradient(cell: Cell, run_and_differentiate: Run) -> None:
    call = draw(cell, {"state", "resets"})
    resets = np.zeros_like(call.resets)
    resets[HALF, 1] = True
    d_final, d_ys = cotangents(cell, call)
    weights = d_final, np.where(np.arange(STEPS)[:, None, None] < HALF, np.float32(0), d_ys)
    _, (_, d_xs, d_state) = run_and_differentiate(
        call._replace(resets=resets), weights, reverse=False
    )
    reached = np.asarray(d_xs).any(axis=-1)
    np.testing.assert_array_equal(reached[:HALF].any(axis=0), np.arange(BATCH) != 1)
    assert reached[HALF:].all()
    assert not any(np.asarray(leaf)[1].any() for leaf in jax.tree.leaves(d_state))


def test_examples_of_a_batch_do_not_meet(cell: Cell, run_and_differentiate: Run) -> None:
    call = draw(cell, {"state", "lengths", "resets"})
    weights = cotangents(cell, call)
    only = np.arange(BATCH) == int(np.argmax(call.lengths))
    final, ys = jax.tree.map(lambda leaf: leaf * 0, weights)
    alone = jax.tree.map(lambda leaf, zero: np.where(only[:, None], leaf, zero), weights, (final, ys))
    _, (_, d_xs, d_state) = run_and_differentiate(call, alone, reverse=False)
    assert not np.asarray(d_xs)[:, ~only].any()
    assert not any(np.asarray(leaf)[~only].any() for leaf in jax.tree.leaves(d_state))
    assert np.asarray(d_xs)[:, only].any()


@either_way
def test_no_steps_return_the_state(cell: Cell, run: Run, reverse: bool) -> None:
    call = draw(cell, {"state", "lengths", "resets"}, steps=0)
    final, ys = run(call, reverse=reverse)
    assert ys.shape == (0, BATCH, HIDDEN)
    chex.assert_trees_all_equal(final, call.state)


def test_a_batch_may_be_empty(cell: Cell, run: Run) -> None:
    call = draw(cell, {"lengths"}, steps=5, batch=0)
    assert call.xs.shape == (5, 0, INPUTS)
    assert run(call)[1].shape == (5, 0, HIDDEN)
