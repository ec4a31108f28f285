"""The network of 1997: its published sizes, its blocks, and what its truncation keeps whole."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM1997, Stack, unroll
from lstm_jax.cells import Cell
from lstm_jax.layers import SequenceModel
from tests.cases import BATCH, INPUTS, draw
from tests.tolerances import CLOSE, assert_close

LONG = 200
GATES: dict[str, Any] = {"biased": "gates"}
NO_BIAS: dict[str, Any] = {"biased": "none"}
INPUT_GATE: dict[str, Any] = {"output_gate": False, "fed_back": "none", "biased": "none"}
WITH_FORGET: dict[str, Any] = {"forget_gate": True, "fed_back": "cells", "biased": "gates"}
NO_READOUT_BIAS: dict[str, Any] = {"readout_bias": False}
SHORTCUT: dict[str, Any] = {"readout_bias": False, "shortcut": True}


def model(
    inputs: int, outputs: int, cell: Cell, *, readout_bias: bool = True, shortcut: bool = False
) -> SequenceModel:
    return SequenceModel(
        Stack((cell,)), inputs, outputs, readout_bias=readout_bias, shortcut=shortcut
    )


PUBLISHED = {
    "1 Reber, 4 blocks of 1": (264, model(7, 7, LSTM1997(4, **GATES), **NO_READOUT_BIAS)),
    "1 Reber, 3 blocks of 2": (
        276,
        model(7, 7, LSTM1997(6, block_size=2, **GATES), **NO_READOUT_BIAS),
    ),
    "2a noise-free lags": (10504, model(101, 101, LSTM1997(1, **INPUT_GATE), **SHORTCUT)),
    **{
        f"2c lags of {p} symbols": (
            count,
            model(p + 4, 2, LSTM1997(2, **NO_BIAS), **NO_READOUT_BIAS),
        )
        for p, count in [(50, 364), (100, 664), (200, 1264), (500, 3064), (1000, 6064)]
    },
    "3 two sequences": (102, model(1, 1, LSTM1997(3), **NO_READOUT_BIAS)),
    "4 and 5 adding, multiplying": (93, model(2, 1, LSTM1997(4, block_size=2))),
    "6a temporal order of 2": (156, model(8, 4, LSTM1997(4, block_size=2))),
    "6b temporal order of 3": (308, model(8, 8, LSTM1997(6, block_size=2))),
    "Gers 2000, continual Reber": (
        424,
        model(7, 7, LSTM1997(8, block_size=2, **WITH_FORGET), shortcut=True),
    ),
}


@pytest.mark.parametrize("count, network", PUBLISHED.values(), ids=PUBLISHED)
def test_networks_have_as_many_weights_as_published(count: int, network: SequenceModel) -> None:
    """Hochreiter & Schmidhuber 1997, tables 1 to 9; Gers, Schmidhuber & Cummins 2000."""
    params = jax.eval_shape(network.init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count


def last_cell_state(cell: LSTM1997, call: Any) -> Any:
    """The Jacobian of every example's last cell state by its first, (B, S, S)."""

    def one(c: jax.Array, state: Any, xs: jax.Array) -> jax.Array:
        state = jax.tree.map(lambda leaf: leaf[None], state._replace(c=c))
        return unroll(cell, call.params, xs[:, None], state)[0].c[0]

    return jax.jit(jax.vmap(jax.jacrev(one), (0, 0, 1)))(call.state.c, call.state, call.xs)


def test_the_truncated_error_flows_back_unchanged(float64: None) -> None:
    """dc_T/dc_0 is the identity, whatever the weights, the inputs and the gates."""
    cell = LSTM1997(4, block_size=2, truncated=True)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, dtype="float64", steps=LONG))
    identity = np.broadcast_to(np.eye(4), (BATCH, 4, 4))
    np.testing.assert_array_equal(last_cell_state(cell, call), identity)


def test_the_whole_error_does_not(float64: None) -> None:
    cell = LSTM1997(4, block_size=2)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, dtype="float64"))
    assert np.abs(last_cell_state(cell, call) - np.eye(4)).max() > 0.1


def test_truncation_changes_derivatives_alone() -> None:
    whole, truncated = (LSTM1997(4, block_size=2, truncated=each) for each in (False, True))
    call = jax.tree.map(jnp.asarray, draw(whole, {"state"}))
    assert_close(unroll(truncated, *call[:3]), unroll(whole, *call[:3]), CLOSE["float32"])

    def slope(cell: LSTM1997) -> Any:
        return jax.grad(lambda params: unroll(cell, params, *call[1:3])[1].sum())(call.params)

    of_whole, of_truncated = slope(whole), slope(truncated)
    assert abs(of_whole.w_h - of_truncated.w_h).max() > 0.1
    assert of_truncated.w_h.all(), "weights of what feeds back learn all the same"


def test_closed_gates_keep_the_cell_state_and_hide_it() -> None:
    """Input gates keep out what comes, output gates keep in what is there."""
    cell = LSTM1997(3, input_bias=(-200.0,) * 3, output_bias=(-200.0,) * 3)
    params = cell.init(jax.random.key(0), INPUTS)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}))
    final, ys = unroll(cell, params, *call[1:3])
    np.testing.assert_array_equal(final.c, call.state.c)
    assert abs(ys).max() < 1e-30


def test_cells_of_a_block_share_their_gates() -> None:
    """With the candidates alike, all that is left of a difference is that of the beginning."""
    cell = LSTM1997(4, block_size=2)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}))
    blocks, g = 2, slice(2, 6)
    alike = jax.tree.map(lambda leaf: leaf.at[..., g].set(leaf[..., 2:3]), call.params)
    final, _ = unroll(cell, alike, *call[1:3])
    moved = np.asarray(final.c - call.state.c).reshape(BATCH, blocks, 2)
    assert_close(moved[..., 0], moved[..., 1], CLOSE["float32"])
    assert np.abs(moved[:, 0] - moved[:, 1]).max() > 0.1


def test_unsquashed_it_adds_what_the_gate_lets_in() -> None:
    """Experiments 2a and 2b: c += i g with g in [0, 1], and h is c."""
    cell = LSTM1997(1, output_gate=False, fed_back="none", biased="none", limits=None)
    params = cell.init(jax.random.key(0), 3)
    xs = jax.random.normal(jax.random.key(1), (9, 2, 3))
    z = np.asarray(xs, np.float64) @ np.asarray(params.w_x, np.float64)
    i, g = np.split(1 / (1 + np.exp(-z)), 2, axis=-1)
    np.testing.assert_allclose(unroll(cell, params, xs)[1], np.cumsum(i * g, axis=0), rtol=1e-5)


def test_weights_begin_uniform_and_given_biases_as_given() -> None:
    cell = LSTM1997(
        40, block_size=2, forget_gate=True, scale=0.2, forget_bias=(1.5,) * 20,
        output_bias=tuple(-float(n) for n in range(20)),
    )  # fmt: skip
    params = cell.init(jax.random.key(0), 30)
    i, f, g, o = np.split(np.asarray(params.b), [20, 40, 80])
    np.testing.assert_array_equal(f, 1.5)
    np.testing.assert_array_equal(o, -np.arange(20.0))
    for drawn in (params.w_x, params.w_h, i, g):
        size = abs(np.asarray(drawn))
        assert 0.15 < size.max() <= 0.2
        assert len(np.unique(size)) > 0.9 * size.size
    assert params.w_x.shape == (30, 100)
    assert params.w_h.shape == (100, 100)


@pytest.mark.parametrize(
    "biased, sizes", [("all", {"b": (10,)}), ("gates", {"b": (6,)}), ("none", {"b": None})]
)
def test_biases_are_where_they_are_asked_for(biased: Any, sizes: dict) -> None:
    cell = LSTM1997(4, block_size=2, forget_gate=True, biased=biased)
    b = cell.init(jax.random.key(0), INPUTS).b
    assert (None if b is None else b.shape) == sizes["b"]


@pytest.mark.parametrize(
    "fed_back, rows, gates", [("all", 8, (BATCH, 4)), ("cells", 4, None), ("none", 0, None)]
)
def test_feeds_back_what_is_asked_for(fed_back: Any, rows: int, gates: tuple | None) -> None:
    cell = LSTM1997(4, block_size=2, fed_back=fed_back)
    params = cell.init(jax.random.key(0), INPUTS)
    assert params.w_h.shape == (rows, 8)
    state = cell.initial_state(params, BATCH)
    assert (None if state.gates is None else state.gates.shape) == gates


@pytest.mark.parametrize(
    "options, words",
    [
        ({"block_size": 3}, "multiple of block_size=3, got 4"),
        ({"block_size": 0}, "block_size must be at least 1, got 0"),
        ({"scale": 0.0}, r"scale must be above 0\.0, got 0\.0"),
        ({"forget_bias": (1.0,) * 4}, "'f'"),
        ({"output_gate": False, "output_bias": (1.0,) * 4}, "'o'"),
        ({"biased": "none", "input_bias": (1.0,) * 4}, "'i'"),
        ({"input_bias": (1.0,) * 3}, "4 blocks, got 3 biases"),
        ({"fed_back": "gates"}, "fed_back is 'gates'"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LSTM1997(4, **options)
