"""How arrays are cut: every step and row in its block, forwards and backwards."""

import itertools
from collections.abc import Callable

import jax.numpy as jnp
import pytest

from lstm_jax import LSTM
from lstm_jax.executors.pallas.launch import Cut
from lstm_jax.executors.pallas.layout import Blocks
from lstm_jax.executors.pallas.step import Loop

CELL = LSTM(100)
LOOP = Loop(CELL, CELL, Blocks(batch=8, steps=4, units=128), interpret=True)
ZX = jnp.zeros((10, 16, 512))


def places(cut: Cut, index_map: Callable) -> list[tuple[int, ...]]:
    """Where the blocks are, in the order of the grid."""
    return [tuple(map(int, index_map(b, t))) for b, t in itertools.product(*map(range, cut.grid))]


@pytest.mark.parametrize(
    "reverse, times, before", [(False, [0, 1, 2], [0, 3, 7]), (True, [2, 1, 0], [7, 3, 0])]
)
def test_time_runs_last_and_either_way(reverse: bool, times: list, before: list) -> None:
    cut = Cut(LOOP, steps=10, batch=16, reverse=reverse)
    assert cut.grid == (2, 3)
    whole, edge = cut.by_step(ZX), cut.just_before(ZX)
    assert whole.block_shape == (4, 8, 512)
    assert edge.block_shape == (None, 8, 512)
    assert places(cut, whole.index_map) == [(t, b, 0) for b in range(2) for t in times]
    assert places(cut, edge.index_map) == [(step, b, 0) for b in range(2) for step in before]


def test_what_stays_does_not_move_with_time() -> None:
    cut = Cut(LOOP, steps=10, batch=16, reverse=True)
    weights, state = jnp.zeros((128, 512)), jnp.zeros((16, 128))
    assert set(places(cut, cut.whole(weights).index_map)) == {(0, 0)}
    assert places(cut, cut.by_batch(state).index_map) == [(0, 0)] * 3 + [(1, 0)] * 3
    assert places(cut, cut.one_each(ZX[:2]).index_map) == [(0, 0, 0)] * 3 + [(1, 0, 0)] * 3


def test_flags_lie_along_the_lanes() -> None:
    cut = Cut(LOOP, steps=10, batch=16, reverse=False)
    spec = cut.flags(jnp.zeros((10, 1, 16)))
    assert spec.block_shape == (4, 1, 8)
    assert places(cut, spec.index_map) == [(t, 0, b) for b in range(2) for t in range(3)]
    assert cut.flags(None) is None
