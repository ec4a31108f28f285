"""Cells across: ours in linen's `RNN` and linen's in our `unroll` give the same numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flax import linen

from lstm_jax import DropConnect, LearnedState, LSTMState, unroll
from lstm_jax.layers.names import to_names
from lstm_jax.linen import RNNCell, as_cell
from tests.layer_cases import BATCH, INPUTS, LAYERS, STEPS, draw
from tests.tolerances import CLOSE, assert_close

CELLS = ["lstm", "lstm variant", "lstm1997"]
LENGTHS = jnp.array([STEPS, 1, 3, 5])
"""Flax's `RNN` has no sequence of length 0."""


def params(name: str) -> dict:
    return to_names(draw(LAYERS[name]).params)


def ours(name: str, xs: Any = None, **options: Any) -> Any:
    call = draw(LAYERS[name])
    xs = call.xs if xs is None else xs
    final, ys = unroll(LAYERS[name], call.params, xs.swapaxes(0, 1), lengths=LENGTHS, **options)
    return final, ys.swapaxes(0, 1)


def inside(ys: jax.Array) -> jax.Array:
    """Zero past the lengths, where Flax lets outputs come as they do."""
    return jnp.where(jnp.arange(STEPS)[:, None] < LENGTHS[:, None, None], ys, 0.0)


@pytest.mark.parametrize("name", CELLS)
def test_runs_in_flax_as_in_unroll(name: str) -> None:
    rnn = linen.RNN(RNNCell(LAYERS[name]), return_carry=True)
    given = {"params": {"cell": params(name)}}
    final, ys = rnn.apply(given, draw(LAYERS[name]).xs, seq_lengths=LENGTHS)
    assert_close((final, inside(ys)), ours(name), CLOSE["float32"])


def test_begins_in_flax_with_the_names_of_the_cell() -> None:
    rnn = linen.RNN(RNNCell(LAYERS["lstm variant"]))
    begun = rnn.init(jax.random.key(0), draw(LAYERS["lstm variant"]).xs)["params"]["cell"]
    assert jax.tree.map(jnp.shape, begun) == jax.tree.map(jnp.shape, params("lstm variant"))


def test_initial_carry_reverse_and_keep_order() -> None:
    call = draw(LAYERS["lstm"])
    rnn = linen.RNN(
        RNNCell(LAYERS["lstm"]), return_carry=True, reverse=True, keep_order=True, time_major=True
    )
    given = {"params": {"cell": params("lstm")}}
    xs = call.xs.swapaxes(0, 1)
    final, ys = rnn.apply(given, xs, initial_carry=call.state, seq_lengths=LENGTHS)
    expected = ours("lstm", state=call.state, reverse=True)
    assert_close((final, inside(ys.swapaxes(0, 1))), expected, CLOSE["float32"])


def test_runs_in_flax_both_ways() -> None:
    names = "lstm", "lstm variant"
    both = linen.Bidirectional(*(linen.RNN(RNNCell(LAYERS[name])) for name in names))
    given = {
        f"{way}_rnn": {"cell": params(name)}
        for way, name in zip(("forward", "backward"), names, strict=True)
    }
    xs = draw(LAYERS["lstm"]).xs
    found = both.apply({"params": given}, xs, seq_lengths=LENGTHS)
    expected = ours("lstm")[1], ours("lstm variant", xs, reverse=True)[1]
    assert_close(inside(found), jnp.concatenate(expected, axis=-1), CLOSE["float32"])


def test_carries_are_made_as_flax_asks() -> None:
    cell = RNNCell(LAYERS["lstm"])
    assert isinstance(cell, linen.RNNCellBase)
    assert cell.num_feature_axes == 1
    carry = cell.initialize_carry(jax.random.key(0), (5, 2, INPUTS))
    assert jax.tree.map(jnp.shape, carry) == LSTMState(c=(5, 2, 3), h=(5, 2, 3))


def test_refusals() -> None:
    carry = LSTMState(c=jnp.zeros((BATCH, 3)), h=jnp.zeros((BATCH, 3)))
    given = {"params": params("lstm")}
    cell = RNNCell(LAYERS["lstm"])
    with pytest.raises(ValueError, match=r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"):
        cell.apply(given, carry, jnp.ones((BATCH, 1)))
    with pytest.raises(TypeError, match=r"carry must be LSTMState\(c=\(4, 3\), h=\(4, 3\)\), got"):
        cell.apply(given, tuple(carry), jnp.ones((BATCH, INPUTS)))
    with pytest.raises(ValueError, match="cannot begin at a LearnedState; Recurrent can"):
        RNNCell(DropConnect(LearnedState(LAYERS["lstm"]))).initialize_carry(
            jax.random.key(0), (BATCH, INPUTS)
        )
    with pytest.raises(ValueError, match="draws noise for whole sequences"):
        RNNCell(DropConnect(LAYERS["lstm"])).apply(given, carry, jnp.ones((BATCH, INPUTS)))


FLAX = {
    "LSTMCell": linen.LSTMCell(3),
    "OptimizedLSTMCell": linen.OptimizedLSTMCell(3),
    "GRUCell": linen.GRUCell(3),
    "SimpleCell": linen.SimpleCell(3),
    "MGUCell": linen.MGUCell(3),
}


@pytest.mark.parametrize("name", FLAX)
def test_flax_cells_run_in_unroll(name: str) -> None:
    xs = draw(LAYERS["lstm"]).xs
    rnn = linen.RNN(FLAX[name], return_carry=True)
    variables = rnn.init(jax.random.key(0), xs)
    carry, expected = rnn.apply(variables, xs, seq_lengths=LENGTHS)
    adapted = as_cell(FLAX[name], INPUTS)
    given = variables["params"]["cell"]
    state, ys = unroll(adapted, given, xs.swapaxes(0, 1), lengths=LENGTHS)
    assert_close((state.carry, ys.swapaxes(0, 1)), (carry, inside(expected)), CLOSE["float32"])
    assert adapted.output_size == 3
    assert hash(adapted) == hash(as_cell(FLAX[name], INPUTS))


def test_flax_cells_get_resets_lengths_of_0_and_reverse() -> None:
    adapted = as_cell(linen.GRUCell(3), INPUTS)
    given = adapted.init(jax.random.key(0), INPUTS)
    call = draw(LAYERS["lstm"])
    xs = call.xs.swapaxes(0, 1)
    state, ys = unroll(adapted, given, xs, lengths=call.lengths, reverse=True)
    _, turned = unroll(adapted, given, xs[:3, 2:3][::-1])
    assert_close(ys[:3, 2], turned[::-1, 0], CLOSE["float32"])
    assert not state.carry[1].any()
    resets = jnp.zeros((STEPS, BATCH), bool).at[3].set(True)
    _, parted = unroll(adapted, given, xs, resets=resets)
    assert_close(parted[3:], unroll(adapted, given, xs[3:])[1], CLOSE["float32"])


def test_what_is_no_cell_of_parameters_is_refused(bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"RNNCell takes a Cell of lstm_jax.*, got GRUCell"):
        linen.RNN(RNNCell(linen.GRUCell(3))).init(jax.random.key(0), draw(LAYERS["lstm"]).xs)
    with pytest.raises(TypeError, match=r"as_cell takes a linen\.RNNCellBase, got Dense"):
        as_cell(linen.Dense(3), 2)
    with pytest.raises(ValueError, match="one axis of features, ConvLSTMCell has 3"):
        as_cell(linen.ConvLSTMCell(3, (3, 3)), 2)
    adapted = as_cell(linen.GRUCell(3), INPUTS)
    given = adapted.init(jax.random.key(0), INPUTS)
    with pytest.raises(ValueError, match="xs have width 5 but the cell was made for 2"):
        unroll(adapted, given, jnp.ones((STEPS, BATCH, 5)))
