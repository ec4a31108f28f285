"""A cell written elsewhere keeps its carry and its numbers, and gains what `unroll` gives."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import DTypeLike

from lstm_jax import unroll
from lstm_jax.layers.foreign import ForeignCell
from tests.tolerances import CLOSE, assert_close


@dataclasses.dataclass(frozen=True)
class Leaky(ForeignCell):
    """A carry that is no tuple, an output that is no part of it, a count beside the floats."""

    def init(self, key: jax.Array, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        self.check_width(input_size)
        return {"w": jax.random.normal(key, (input_size, 3), dtype)}

    def call(self, params: Any, carry: Any, x: jax.Array) -> tuple[Any, jax.Array]:
        h, count = carry["h"], carry["count"]
        h = 0.5 * h + jnp.tanh(x @ params["w"])
        return {"h": h, "count": count + 1}, h[:, :2] ** 2

    def start(self, params: Any, batch_size: int) -> Any:
        zeros = jnp.zeros((batch_size, 3), params["w"].dtype)
        return {"h": zeros, "count": jnp.zeros(batch_size, jnp.int32)}


CELL = Leaky(in_features=2)
PARAMS = CELL.init(jax.random.key(0), 2)
XS = jax.random.normal(jax.random.key(1), (6, 4, 2))


def test_steps_as_a_loop() -> None:
    carry, ys = CELL.start(PARAMS, 4), []
    for x in XS:
        carry, y = CELL.call(PARAMS, carry, x)
        ys.append(y)
    state, found = unroll(CELL, PARAMS, XS)
    assert_close(found, np.stack(ys), CLOSE["float32"])
    assert_close(state.carry, carry, CLOSE["float32"])
    assert CELL.output_size == 2


def test_lengths_and_resets() -> None:
    lengths = jnp.array([6, 0, 3, 5])
    resets = jnp.zeros((6, 4), bool).at[2].set(True)
    state, ys = unroll(CELL, PARAMS, XS, lengths=lengths, resets=resets)
    assert state.carry["count"].tolist() == [4, 0, 1, 3]
    assert not ys[3:, 2].any()
    assert not ys[:, 1].any()
    _, alone = unroll(CELL, PARAMS, XS[2:, :1])
    assert_close(ys[2:, :1], alone, CLOSE["float32"])


def test_parameters_stored_in_bfloat16() -> None:
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), PARAMS)
    state, ys = unroll(CELL, params, XS)
    assert (ys.dtype, state.carry["h"].dtype, state.carry["count"].dtype) == (
        *("float32", "float32"),
        "int32",
    )


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="xs have width 1 but the cell was made for 2"):
        unroll(CELL, PARAMS, XS[..., :1])
