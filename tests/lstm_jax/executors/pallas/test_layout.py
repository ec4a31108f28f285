"""How a sequence is cut for VMEM, and padded to whole tiles."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM
from lstm_jax.cells import Cell
from lstm_jax.executors.pallas import layout
from tests.cases import draw
from tests.tolerances import CLOSE, assert_close


@pytest.mark.parametrize("hidden", [1, 128, 300, 1024])
@pytest.mark.parametrize("batch", [1, 8, 100, 300, 4096])
def test_blocks_are_whole_tiles_within_the_memory(hidden: int, batch: int) -> None:
    cell = LSTM(hidden, dtype="bfloat16")
    blocks = layout.choose_blocks(cell, batch)
    assert blocks is not None
    assert blocks.batch % layout.SUBLANES == 0
    assert blocks.batch == layout.up_to(batch, 8) or blocks.batch in layout.BATCHES
    assert 0 <= blocks.units - hidden < layout.LANES
    assert layout.vmem(cell, blocks) <= layout.VMEM


def test_memory_by_hand() -> None:
    """For LSTM(128), 8 rows and 2 steps, in float32: 4 bytes each."""
    weights = 2 * 128 * 512
    streams = 2 * (3 * 512 + 2 * 128 + 128)  # zx, d_zx and d_zh; c and h; d_y
    ends = 2 * 4 * 2 * 128
    zh = 512
    wanted = 4 * (weights + 8 * (2 * (streams + zh) + ends + zh))
    assert layout.vmem(LSTM(128), layout.Blocks(batch=8, steps=2, units=128)) == wanted


def test_what_fits_nowhere_has_no_blocks() -> None:
    assert layout.choose_blocks(LSTM(2000), batch=8) is None
    assert layout.choose_blocks(LSTM(2000, dtype="bfloat16"), batch=8) is None


@pytest.mark.parametrize("cell", [LSTM(3), GRU(3)], ids=str)
def test_units_that_are_added_change_nothing(cell: Cell) -> None:
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, steps=6))
    padded = layout.pad_params(cell, call.params, 5)  # type: ignore[arg-type]
    wide = jax.tree.map(lambda a: layout.pad(a, 1, 3, 5), call.state)
    state, _ = jax.lax.scan(functools.partial(cell.step, call.params), call.state, call.xs)
    wide, _ = jax.lax.scan(functools.partial(cell.step, padded), wide, call.xs)
    assert_close(jax.tree.map(lambda a: a[:, :3], wide), state, CLOSE["float32"])
    assert not any(np.asarray(leaf[:, 3:]).any() for leaf in wide)


def test_padding_leaves_each_part_in_place() -> None:
    array = jnp.arange(24.0).reshape(2, 6, 2)
    padded = layout.pad(array, axis=1, size=3, to=4)
    assert padded.shape == (2, 8, 2)
    np.testing.assert_array_equal(padded[:, [0, 1, 2, 4, 5, 6]], array)
    assert not np.asarray(padded[:, [3, 7]]).any()
