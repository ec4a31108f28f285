"""Cells across: ours in Flax's `RNN` and Flax's in our `unroll` give the same numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax import DropConnect, LearnedState, LSTMState, unroll
from lstm_jax.layers.names import to_names
from lstm_jax.nnx import RNNCell, as_cell
from tests.layer_cases import BATCH, INPUTS, LAYERS, STEPS, draw
from tests.tolerances import CLOSE, assert_close

CELLS = ["lstm", "lstm variant", "lstm1997", "learned state"]
LENGTHS = jnp.array([STEPS, 1, 3, 5])
"""Flax's `RNN` has no sequence of length 0."""


def cell(name: str) -> RNNCell:
    made = RNNCell(LAYERS[name], INPUTS, rngs=nnx.Rngs(0))
    state = nnx.state(made)
    nnx.replace_by_pure_dict(state, to_names(draw(LAYERS[name]).params))
    nnx.update(made, state)
    return made


def ours(name: str, **options: Any) -> Any:
    call = draw(LAYERS[name])
    final, ys = unroll(
        LAYERS[name], call.params, call.xs.swapaxes(0, 1), lengths=LENGTHS, **options
    )
    return final, ys.swapaxes(0, 1)


def inside(ys: jax.Array) -> jax.Array:
    """Zero past the lengths, where Flax lets outputs come as they do."""
    return jnp.where(jnp.arange(STEPS)[:, None] < LENGTHS[:, None, None], ys, 0.0)


@pytest.mark.parametrize("name", CELLS)
def test_runs_in_flax_as_in_unroll(name: str) -> None:
    rnn = nnx.RNN(cell(name), return_carry=True)
    final, ys = rnn(draw(LAYERS[name]).xs, seq_lengths=LENGTHS)
    assert_close((final, inside(ys)), ours(name), CLOSE["float32"])


def test_initial_carry_reverse_and_keep_order() -> None:
    call = draw(LAYERS["lstm"])
    rnn = nnx.RNN(cell("lstm"), return_carry=True, reverse=True, keep_order=True, time_major=True)
    found = rnn(call.xs.swapaxes(0, 1), initial_carry=call.state, seq_lengths=LENGTHS)
    final, ys = ours("lstm", state=call.state, reverse=True)
    assert_close((found[0], inside(found[1].swapaxes(0, 1))), (final, ys), CLOSE["float32"])


def test_runs_in_flax_both_ways() -> None:
    both = nnx.Bidirectional(nnx.RNN(cell("lstm")), nnx.RNN(cell("lstm variant")))
    xs = draw(LAYERS["lstm"]).xs
    other = unroll(
        LAYERS["lstm variant"],
        draw(LAYERS["lstm variant"]).params,
        xs.swapaxes(0, 1),
        lengths=LENGTHS,
        reverse=True,
    )[1].swapaxes(0, 1)
    expected = jnp.concatenate([ours("lstm")[1], other], axis=-1)
    found = both(xs, seq_lengths=LENGTHS)
    assert_close(inside(found), expected, CLOSE["float32"])


def test_gradients_through_flax() -> None:
    call = draw(LAYERS["learned state"])

    def loss(rnn: nnx.RNN) -> jax.Array:
        return jnp.sum(rnn(call.xs) ** 2)

    def expected(params: Any) -> jax.Array:
        return jnp.sum(unroll(LAYERS["learned state"], params, call.xs.swapaxes(0, 1))[1] ** 2)

    found = nnx.to_pure_dict(nnx.grad(loss)(nnx.RNN(cell("learned state"))))["cell"]
    assert_close(found, to_names(jax.grad(expected)(call.params)), CLOSE["float32"])


def test_carries_are_made_as_flax_asks() -> None:
    made = cell("lstm")
    assert isinstance(made, nnx.RNNCellBase)
    assert made.num_feature_axes == 1
    carry = made.initialize_carry((5, 2, INPUTS), nnx.Rngs(0))
    assert jax.tree.map(jnp.shape, carry) == LSTMState(c=(5, 2, 3), h=(5, 2, 3))
    assert not carry.c.any()
    drawn = made.initialize_carry((5, INPUTS), nnx.Rngs(0), nnx.initializers.normal())
    assert drawn.c.any()
    assert (drawn.c != drawn.h).any()
    with pytest.raises(ValueError, match="carry_init needs rngs"):
        made.initialize_carry((5, INPUTS), carry_init=nnx.initializers.normal())


def test_a_learned_start_is_the_carry() -> None:
    carry = cell("learned state").initialize_carry((BATCH, INPUTS))
    start = draw(LAYERS["learned state"]).params.start
    np.testing.assert_array_equal(carry.h, jnp.broadcast_to(start.h, (BATCH, 3)))


def test_wrong_input_to_a_cell() -> None:
    made = cell("lstm")
    carry = made.initialize_carry((BATCH, INPUTS))
    with pytest.raises(ValueError, match=r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"):
        made(carry, jnp.ones((BATCH, 1)))
    with pytest.raises(TypeError, match=r"carry must be LSTMState\(c=\(4, 3\), h=\(4, 3\)\), got"):
        made(tuple(carry), jnp.ones((BATCH, INPUTS)))


def test_a_cell_that_draws_runs_at_evaluation_alone() -> None:
    made = RNNCell(DropConnect(LAYERS["lstm"]), INPUTS, rngs=nnx.Rngs(0))
    xs = draw(LAYERS["lstm"]).xs
    with pytest.raises(ValueError, match="draws noise for whole sequences"):
        nnx.RNN(made)(xs)
    made.eval()
    assert nnx.RNN(made)(xs).shape == (BATCH, STEPS, 3)


FLAX = {
    "LSTMCell": nnx.LSTMCell,
    "OptimizedLSTMCell": nnx.OptimizedLSTMCell,
    "GRUCell": nnx.GRUCell,
    "SimpleCell": nnx.SimpleCell,
}


@pytest.mark.parametrize("name", FLAX)
def test_flax_cells_run_in_unroll(name: str) -> None:
    module = FLAX[name](INPUTS, 3, rngs=nnx.Rngs(1))
    adapted, params = as_cell(module)
    xs = draw(LAYERS["lstm"]).xs
    carry, expected = nnx.RNN(module, return_carry=True)(xs, seq_lengths=LENGTHS)
    state, ys = unroll(adapted, params, xs.swapaxes(0, 1), lengths=LENGTHS)
    assert_close((state.carry, ys.swapaxes(0, 1)), (carry, inside(expected)), CLOSE["float32"])
    assert adapted.output_size == 3
    assert hash(adapted) == hash(as_cell(FLAX[name](INPUTS, 3, rngs=nnx.Rngs(2)))[0])


def test_flax_cells_get_resets_lengths_of_0_and_reverse() -> None:
    module = nnx.GRUCell(INPUTS, 3, rngs=nnx.Rngs(1))
    adapted, params = as_cell(module)
    call = draw(LAYERS["lstm"])
    xs = call.xs.swapaxes(0, 1)
    state, ys = unroll(adapted, params, xs, lengths=call.lengths, reverse=True)
    backwards = nnx.RNN(module, reverse=True, keep_order=True, time_major=True)
    expected = backwards(xs, seq_lengths=call.lengths)
    assert_close(ys[:3, 2], expected[:3, 2], CLOSE["float32"])
    assert not state.carry[1].any()
    resets = jnp.zeros((STEPS, BATCH), bool).at[3].set(True)
    _, parted = unroll(adapted, params, xs, resets=resets)
    _, later = unroll(adapted, params, xs[3:])
    assert_close(parted[3:], later, CLOSE["float32"])


def test_gradients_reach_a_flax_cell() -> None:
    module = nnx.SimpleCell(INPUTS, 3, rngs=nnx.Rngs(1))
    adapted, params = as_cell(module)
    xs = draw(LAYERS["lstm"]).xs

    def theirs(rnn: nnx.RNN) -> jax.Array:
        return jnp.sum(rnn(xs) ** 2)

    found = jax.grad(lambda p: jnp.sum(unroll(adapted, p, xs.swapaxes(0, 1))[1] ** 2))(params)
    expected = nnx.to_pure_dict(nnx.grad(theirs)(nnx.RNN(module)))["cell"]
    assert_close(found, expected, CLOSE["float32"])


@pytest.mark.usual_promotion
def test_a_flax_cell_in_bfloat16_keeps_its_carry_in_float32() -> None:
    module = nnx.LSTMCell(INPUTS, 3, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(1))
    adapted, params = as_cell(module)
    state, _ = unroll(adapted, params, draw(LAYERS["lstm"]).xs.swapaxes(0, 1))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state.carry)} == {"float32"}


class Counting(nnx.GRUCell):
    """A cell with a variable that is no parameter."""

    def __init__(self, *args: Any, rngs: nnx.Rngs) -> None:
        super().__init__(*args, rngs=rngs)
        self.count = nnx.BatchStat(jnp.zeros(()))


def test_what_is_no_cell_of_parameters_is_refused(bad_input: None) -> None:
    rngs = nnx.Rngs(0)
    with pytest.raises(TypeError, match=r"RNNCell takes a Cell of lstm_jax.*, got Stack"):
        RNNCell(LAYERS["stack"], INPUTS, rngs=rngs)
    with pytest.raises(TypeError, match=r"RNNCell takes a Cell of lstm_jax.*, got GRUCell"):
        RNNCell(nnx.GRUCell(2, 3, rngs=rngs), INPUTS, rngs=rngs)
    with pytest.raises(TypeError, match=r"as_cell takes an nnx\.RNNCellBase, got Linear"):
        as_cell(nnx.Linear(2, 3, rngs=rngs))
    with pytest.raises(ValueError, match=r"all nnx\.Param; Counting has BatchStat"):
        as_cell(Counting(2, 3, rngs=rngs))
    adapted, params = as_cell(nnx.GRUCell(2, 3, rngs=rngs))
    with pytest.raises(ValueError, match="xs have width 5 but the cell was made for 2"):
        unroll(adapted, params, jnp.ones((STEPS, BATCH, 5)))
    with pytest.raises(ValueError, match="it draws no new ones"):
        adapted.init(jax.random.key(0), 2)


def test_our_own_adaptor_comes_back() -> None:
    adapted, params = as_cell(RNNCell(LearnedState(LAYERS["lstm"]), INPUTS, rngs=nnx.Rngs(0)))
    xs = draw(LAYERS["lstm"]).xs.swapaxes(0, 1)
    made = RNNCell(LearnedState(LAYERS["lstm"]), INPUTS, rngs=nnx.Rngs(0))
    _, expected = unroll(LearnedState(LAYERS["lstm"]), made.params, xs)
    assert_close(unroll(adapted, params, xs)[1], expected, CLOSE["float32"])
