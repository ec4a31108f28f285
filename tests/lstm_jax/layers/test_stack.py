"""A stack is its cells one after the other, over whole sequences or step by step."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, DropConnect, Elman, Noise, Stack, unroll
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
    call = draw(STACK.layers[0], {"lengths", "resets"})
    return jax.tree.map(jnp.asarray, (params, states, call.xs, call.lengths, call.resets))


def test_every_layer_runs_over_the_outputs_of_the_one_below(problem: tuple) -> None:
    params, states, xs, lengths, resets = problem
    options = {"lengths": lengths, "resets": resets}
    finals, ys = jax.jit(lambda: STACK.unroll(params, xs, states, **options))()
    assert len(finals) == len(STACK.layers)
    for cell, p, state, final in zip(STACK.layers, params, states, finals, strict=True):
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


def test_a_residual_layer_adds_its_input() -> None:
    stack = Stack((LSTM(3), GRU(3)), residual=True)
    params, xs, lengths = random_call(stack)
    _, below = unroll(stack.layers[0], params[0], xs, lengths=lengths)
    final, above = unroll(stack.layers[1], params[1], below, lengths=lengths)
    finals, ys = jax.jit(stack.unroll)(params, xs, lengths=lengths)
    assert_close((finals[1], ys), (final, below + above), CLOSE["float32"])
    states, read = stack.initial_state(params, BATCH), []
    for x in xs:
        states, y = jax.jit(stack.step)(params, states, x)
        read.append(y)
    assert_close(jnp.stack(read), stack.unroll(params, xs)[1], CLOSE["float32"])


def test_dropout_stands_between_layers_alone() -> None:
    """Nothing of the top is dropped; below, a share of the outputs, of which the top learns."""
    stack = Stack((LSTM(3), LSTM(40)), dropout=0.25)
    params, xs, _ = random_call(stack)
    _, dropped = jax.jit(stack.unroll)(params, xs, noise=Noise(jax.random.key(0)))
    _, kept = jax.jit(stack.unroll)(params, xs)
    assert (np.asarray(dropped) != 0).all()
    assert (np.asarray(dropped) != np.asarray(kept)).all(axis=-1).any()


def test_layers_draw_apart() -> None:
    """Two layers of equal cells drop different weights."""
    stack = Stack((DropConnect(Elman(2)), DropConnect(Elman(2))))
    params, xs, _ = random_call(stack)
    params = (params[0], params[0])
    noise = Noise(jax.random.key(5))
    _, ys = jax.jit(stack.unroll)(params, xs, noise=noise)
    _, below = unroll(stack.layers[0], params[0], xs, noise=noise.fold(0))
    _, same = unroll(stack.layers[1], params[1], below, noise=noise.fold(0))
    _, other = unroll(stack.layers[1], params[1], below, noise=noise.fold(1))
    assert_close(ys, other, CLOSE["float32"])
    assert abs(ys - same).max() > 0.01


def test_all_states_are_those_of_every_layer() -> None:
    stack = Stack((Bidirectional(LSTM(3), GRU(2)), LSTM(4)))
    params, xs, _ = random_call(stack)
    finals, ys, states = jax.jit(lambda: stack.unroll(params, xs, return_states=True))()
    assert len(states) == 2
    assert_close(states[1].h, ys, CLOSE["float32"])
    assert_close(states[0].forward.c[-1], finals[0].forward.c, CLOSE["float32"])
    assert_close(states[0].backward.h[0], finals[0].backward.h, CLOSE["float32"])


def test_backwards_every_layer_runs_backwards() -> None:
    params, xs, _ = random_call(STACK)
    finals, ys = STACK.unroll(params, xs, reverse=True)
    mirrored, turned = STACK.unroll(params, xs[::-1])
    assert_close((finals, ys), (mirrored, turned[::-1]), CLOSE["float32"])


def random_call(stack: Stack) -> tuple:
    """Random parameters, inputs and lengths."""
    rng = np.random.default_rng(20)
    shapes = jax.eval_shape(lambda: stack.init(jax.random.key(0), INPUTS))
    params = normal(rng, shapes, scale=0.7)
    xs = rng.normal(size=(11, BATCH, INPUTS)).astype(np.float32)
    return jax.tree.map(jnp.asarray, (params, xs, np.array([11, 0, 4, 9])))


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="a stack has at least one layer"):
        Stack(())


@pytest.mark.parametrize("layers", [[LSTM(3)], LSTM(3), (3,), (LSTM,), (Stack((LSTM(3),)),)])
def test_what_is_no_tuple_of_layers_is_refused(layers: object, bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"Stack\.layers"):
        Stack(layers)


@pytest.mark.parametrize("setting", [{"residual": True}, {"dropout": 0.5}])
def test_what_acts_between_layers_needs_two(setting: dict) -> None:
    with pytest.raises(ValueError, match="but there is one layer; it acts between layers"):
        Stack((LSTM(3),), **setting)


def test_errors_name_the_layer(problem: tuple, bad_input: None) -> None:
    params, states, xs, *_ = problem
    with pytest.raises(ValueError, match=r"layer 1: .* params\.w_x must have shape \(5, 12\)"):
        STACK.unroll((params[0], params[1]._replace(w_x=params[0].w_x)), xs)
    with pytest.raises(TypeError, match="the states of a stack are a tuple of those of its 2 lay"):
        STACK.unroll(params, xs, states[0])
    with pytest.raises(TypeError, match=r"the params of a stack are a tuple .* got NoneType"):
        STACK.unroll(None, xs)
    with pytest.raises(TypeError, match="noise must be a Noise"):
        STACK.unroll(params, xs, noise=jax.random.key(0))


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"residual needs layers of one width, got \[3, 4\]"):
        Stack((LSTM(3), LSTM(4)), residual=True)
    with pytest.raises(ValueError, match="merge is 'none': a pair of outputs has no single width"):
        Stack((Bidirectional(LSTM(3), LSTM(3), merge="none"), LSTM(3)))


def test_a_bidirectional_layer_has_no_step_and_no_reverse() -> None:
    stack = Stack((Bidirectional(LSTM(3), LSTM(3)),))
    params, xs, _ = random_call(stack)
    with pytest.raises(ValueError, match="needs the whole sequence; it has no step"):
        stack.step(params, stack.initial_state(params, BATCH), xs[0])
    with pytest.raises(ValueError, match="runs both ways; it has no reverse"):
        stack.unroll(params, xs, reverse=True)


def test_a_wrong_number_of_layers_is_refused(problem: tuple) -> None:
    params, states, xs, *_ = problem
    with pytest.raises(ValueError, match="2 layers needs as many states, got 1"):
        STACK.unroll(params, xs, states[:1])
    with pytest.raises(ValueError, match="2 layers needs as many params, got 3"):
        STACK.unroll((*params, params[-1]), xs)
    with pytest.raises(ValueError, match="2 layers needs as many states, got 1"):
        STACK.step(params, states[:1], xs[0])
    with pytest.raises(ValueError, match="2 layers needs as many params, got 1"):
        STACK.initial_state(params[:1], BATCH)
