"""The linen layer has the numbers of the NNX layer, and of `unroll`, for the same parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lstm_jax import LSTM, Chrono, ForgetBias, LSTMParams
from lstm_jax.linen import LSTM as Layer
from lstm_jax.nnx import LSTM as NNXLayer
from tests.cases import BATCH, HIDDEN, INPUTS, STEPS, draw, outputs
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)
CALL = draw(CELL, {"state", "lengths", "resets"})
XS = jnp.array(CALL.xs.swapaxes(0, 1))
VARIABLES = {"params": jax.tree.map(jnp.array, CALL.params._asdict())}


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_equals_unroll(reverse: bool) -> None:
    _, _, state, lengths, resets = jax.tree.map(jnp.array, CALL)
    apply = jax.jit(Layer(HIDDEN, reverse=reverse, return_state=True).apply)
    final, ys = apply(VARIABLES, XS, state, lengths=lengths, resets=resets.T)
    expected, expected_ys = outputs(CALL, cell=CELL, reverse=reverse)
    assert_close((final, ys.swapaxes(0, 1)), (expected, expected_ys), CLOSE["float32"])


def test_equals_the_nnx_layer() -> None:
    """Values, and gradients of parameters and inputs, to the last bit: one core."""
    other = NNXLayer(INPUTS, HIDDEN, rngs=nnx.Rngs(0))
    graph, state = nnx.split(other)
    nnx.replace_by_pure_dict(state, VARIABLES["params"])
    weights = jnp.array(np.random.default_rng(16).normal(size=(BATCH, STEPS, HIDDEN)), jnp.float32)

    def ours(params: dict, xs: jax.Array) -> jax.Array:
        return jnp.vdot(weights, Layer(HIDDEN).apply({"params": params}, xs))

    def theirs(state: nnx.State, xs: jax.Array) -> jax.Array:
        return jnp.vdot(weights, nnx.merge(graph, state)(xs))

    value, (to_params, to_xs) = jax.jit(jax.value_and_grad(ours, (0, 1)))(VARIABLES["params"], XS)
    expected, (to_state, expected_xs) = jax.jit(jax.value_and_grad(theirs, (0, 1)))(state, XS)
    assert value == expected
    np.testing.assert_array_equal(to_xs, expected_xs)
    for name, leaf in nnx.to_pure_dict(to_state).items():
        np.testing.assert_array_equal(to_params[name], leaf)


def test_time_major_turns_the_axes_alone() -> None:
    batch_major = Layer(HIDDEN).apply(VARIABLES, XS)
    assert batch_major.shape == (BATCH, STEPS, HIDDEN)
    time_major = Layer(HIDDEN, time_major=True).apply(VARIABLES, jnp.array(CALL.xs))
    np.testing.assert_array_equal(time_major, batch_major.swapaxes(0, 1))


@pytest.mark.parametrize("bias", [ForgetBias(2.0), Chrono(50)], ids=["forget", "chrono"])
def test_begins_as_a_cell_begins(bias: ForgetBias | Chrono) -> None:
    params = jax.jit(Layer(HIDDEN, bias).init)(jax.random.key(0), XS)["params"]
    assert set(params) == set(LSTMParams._fields)
    shapes = jax.eval_shape(lambda: LSTM(HIDDEN, bias).init(jax.random.key(0), INPUTS))
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, shapes._asdict())
    for gate in np.split(np.asarray(params["w_h"]), 4, axis=1):
        assert_close(gate.T @ gate, np.eye(HIDDEN), CLOSE["float32"])
    b_i, b_f, b_g, b_o = np.split(np.asarray(params["b"]), 4)
    if isinstance(bias, ForgetBias):
        assert b_f.tolist() == [2.0] * HIDDEN
        assert not b_i.any()
    else:
        assert (b_f > 0).all()
        np.testing.assert_array_equal(b_i, -b_f)
    assert not b_g.any()
    assert not b_o.any()


def test_parameters_have_the_dtype_asked_for(float64: None) -> None:
    layer = Layer(HIDDEN, param_dtype=jnp.float64)
    found = jax.eval_shape(layer.init_with_output, jax.random.key(0), jnp.ones((2, 3, INPUTS)))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {"float64"}


def test_the_executor_is_obeyed() -> None:
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        Layer(HIDDEN, executor="scam").apply(VARIABLES, XS)


@pytest.mark.usual_promotion
def test_learns() -> None:
    """The sum of what came in, a few steps of Adam, one compilation."""
    target = jnp.tanh(jnp.cumsum(XS, axis=1).sum(axis=-1) / 3)
    optimizer, traces = optax.adam(0.03), []

    def loss(variables: dict) -> jax.Array:
        return jnp.mean((Layer(HIDDEN).apply(variables, XS).sum(axis=-1) - target) ** 2)

    @jax.jit
    def train(variables: dict, state: optax.OptState) -> tuple:
        traces.append(1)
        value, gradient = jax.value_and_grad(loss)(variables)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(variables, updates), state, value

    variables, state, losses = VARIABLES, optimizer.init(VARIABLES), []
    for _ in range(30):
        variables, state, value = train(variables, state)
        losses.append(float(value))
    assert losses[-1] < 0.5 * losses[0]
    assert len(traces) == 1


def test_another_width_is_refused() -> None:
    with pytest.raises(Exception, match=r"w_x.*\(2, 12\).*\(1, 12\)|w_x.*\(1, 12\).*\(2, 12\)"):
        Layer(HIDDEN).apply(VARIABLES, XS[..., :1])


@pytest.mark.parametrize("size, error", [(0, ValueError), (2.0, TypeError), (True, TypeError)])
def test_what_is_no_size_is_refused(size: object, error: type[Exception], bad_input: None) -> None:
    with pytest.raises(error, match=r"LSTM\.hidden_size must be"):
        Layer(size).apply(VARIABLES, XS)
