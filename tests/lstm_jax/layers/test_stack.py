"""A stack is its cells one after the other, over whole sequences or step by step."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Stack, unroll
from tests.cases import BATCH, INPUTS, draw, normal
from tests.tolerances import CLOSE, assert_close

STACK = Stack((LSTM(5), LSTM(3)))


@pytest.fixture(scope="module")
def problem() -> tuple:
    """Random parameters and states of all layers, and a random call with all options."""
    rng = np.random.default_rng(9)
    shapes = jax.eval_shape(lambda: STACK.init(jax.random.key(0), INPUTS))
    params = normal(rng, shapes, scale=0.7)
    states = normal(rng, jax.eval_shape(lambda: STACK.initial_state(params, BATCH)))
    call = draw(STACK.cells[0], {"lengths", "resets"})
    return jax.tree.map(jnp.asarray, (params, states, call.xs, call.lengths, call.resets))


def test_every_layer_runs_over_the_outputs_of_the_one_below(problem: tuple) -> None:
    params, states, xs, lengths, resets = problem
    options = {"lengths": lengths, "resets": resets}
    finals, ys = jax.jit(lambda: STACK.unroll(params, xs, states, **options))()
    assert len(finals) == len(STACK.cells)
    for cell, p, state, final in zip(STACK.cells, params, states, finals, strict=True):
        expected, xs = unroll(cell, p, xs, state, **options)
        assert_close(final, expected, CLOSE["float32"])
    assert_close(ys, xs, CLOSE["float32"])


def test_without_states_every_layer_begins_at_its_initial_state(problem: tuple) -> None:
    params, _, xs, *_ = problem
    given = jax.jit(STACK.unroll)(params, xs, STACK.initial_state(params, BATCH))
    assert_close(jax.jit(STACK.unroll)(params, xs), given, CLOSE["float32"])


def test_stepping_equals_unrolling(problem: tuple) -> None:
    params, states, xs, *_ = problem
    expected = jax.jit(STACK.unroll)(params, xs, states)
    step, ys = jax.jit(STACK.step), []
    for x in xs:
        states, y = step(params, states, x)
        ys.append(y)
    assert_close((states, jnp.stack(ys)), expected, CLOSE["float32"])


def test_layers_fit_together_and_are_drawn_apart() -> None:
    stack = Stack((LSTM(3), LSTM(3)))
    below, above = jax.jit(stack.init, static_argnums=1)(jax.random.key(0), INPUTS)
    assert (below.w_x.shape, above.w_x.shape) == ((INPUTS, 12), (3, 12))
    assert (below.w_h != above.w_h).mean() > 0.9
    assert STACK.output_size == 3


@pytest.mark.usefixtures("float64")
def test_init_hands_the_dtype_to_every_layer() -> None:
    params = jax.eval_shape(lambda key: STACK.init(key, INPUTS, jnp.float64), jax.random.key(0))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(params)} == {"float64"}


def test_the_executor_is_obeyed(problem: tuple) -> None:
    params, _, xs, *_ = problem
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        STACK.unroll(params, xs, executor="scam")


def test_a_loss_on_the_top_teaches_every_layer(problem: tuple) -> None:
    params, _, xs, *_ = problem

    def loss(params: tuple) -> jax.Array:
        return jnp.sum(jnp.sin(STACK.unroll(params, xs)[1]))

    gradient = jax.jit(jax.grad(loss))(params)
    chex.assert_tree_all_finite(gradient)
    assert all(np.asarray(leaf).any() for leaf in jax.tree.leaves(gradient))


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="a stack has at least one cell"):
        Stack(())


@pytest.mark.parametrize(
    "cells",
    [
        [LSTM(3)],
        LSTM(3),
        (3,),
        (LSTM,),
    ],
)
def test_what_is_no_tuple_of_cells_is_refused(cells: object, bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"Stack\.cells"):
        Stack(cells)


def test_a_wrong_number_of_layers_is_refused(problem: tuple) -> None:
    params, states, xs, *_ = problem
    with pytest.raises(ValueError, match="2 cells needs as many params and states, got 2 and 1"):
        STACK.unroll(params, xs, states[:1])
    with pytest.raises(ValueError, match="2 cells needs as many params and states, got 3 and 2"):
        STACK.unroll((*params, params[-1]), xs)
