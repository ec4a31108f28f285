"""The NNX layer is `unroll` with its parameters: same numbers, same gradients, and it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lstm_jax import LSTM, Chrono, ForgetBias, LSTMParams, unroll
from lstm_jax.nnx import LSTM as Layer
from tests.cases import BATCH, HIDDEN, INPUTS, STEPS, draw, outputs
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)
CALL = draw(CELL, {"state", "lengths", "resets"})
XS = jnp.array(CALL.xs.swapaxes(0, 1))


def layer(**settings) -> Layer:
    """A layer with the parameters of `CALL`."""
    module = Layer(INPUTS, HIDDEN, rngs=nnx.Rngs(0), **settings)
    for name, value in CALL.params._asdict().items():
        getattr(module, name)[...] = jnp.array(value)
    return module


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_equals_unroll(reverse: bool) -> None:
    _, _, state, lengths, resets = jax.tree.map(jnp.array, CALL)
    run = nnx.jit(lambda module: module(XS, state, lengths=lengths, resets=resets.T))
    final, ys = run(layer(reverse=reverse, return_state=True))
    expected, expected_ys = outputs(CALL, cell=CELL, reverse=reverse)
    assert_close((final, ys.swapaxes(0, 1)), (expected, expected_ys), CLOSE["float32"])


def test_time_major_turns_the_axes_alone() -> None:
    batch_major = layer()(XS)
    assert batch_major.shape == (BATCH, STEPS, HIDDEN)
    np.testing.assert_array_equal(
        layer(time_major=True)(jnp.array(CALL.xs)), batch_major.swapaxes(0, 1)
    )


def test_gradients_equal_those_of_unroll() -> None:
    target = jnp.array(np.random.default_rng(15).normal(size=(BATCH, STEPS, HIDDEN)), jnp.float32)

    def loss(module: Layer, xs: jax.Array) -> jax.Array:
        return jnp.sum((module(xs) - target) ** 2)

    def expected(params: LSTMParams, xs: jax.Array) -> jax.Array:
        return jnp.sum((unroll(CELL, params, xs)[1] - target.swapaxes(0, 1)) ** 2)

    to_params, to_xs = nnx.jit(nnx.grad(loss, argnums=(0, 1)))(layer(), XS)
    found = {name: to_params[name][...] for name in LSTMParams._fields}
    wanted, wanted_xs = jax.jit(jax.grad(expected, argnums=(0, 1)))(CALL.params, CALL.xs)
    assert_close((found, to_xs.swapaxes(0, 1)), (wanted, wanted_xs), CLOSE["float32"])


@pytest.mark.parametrize("bias", [ForgetBias(2.0), Chrono(50)], ids=["forget", "chrono"])
def test_begins_as_the_cell_begins(bias: ForgetBias | Chrono) -> None:
    key = nnx.Rngs(params=3).params()
    module = Layer(INPUTS, HIDDEN, bias=bias, rngs=nnx.Rngs(params=3))
    found = LSTMParams(module.w_x[...], module.w_h[...], module.b[...])
    jax.tree.map(np.testing.assert_array_equal, found, LSTM(HIDDEN, bias).init(key, INPUTS))


def test_parameters_have_the_dtype_asked_for(float64: None) -> None:
    module = Layer(INPUTS, HIDDEN, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    state = nnx.state(module, nnx.Param)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} == {"float64"}
    assert module(jnp.ones((2, 3, INPUTS))).dtype == "float64"


def test_parameters_are_three_and_settings_are_static() -> None:
    graph, state = nnx.split(layer())
    assert set(state) == set(LSTMParams._fields)
    assert hash(graph) == hash(nnx.split(layer())[0])


def test_the_executor_is_obeyed() -> None:
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        layer(executor="scam")(XS)


@pytest.mark.usual_promotion
def test_learns() -> None:
    """The sum of what came in, a few steps of Adam, one compilation."""
    target = jnp.tanh(jnp.cumsum(XS, axis=1).sum(axis=-1) / 3)
    module = layer()
    optimizer = nnx.Optimizer(module, optax.adam(0.03), wrt=nnx.Param)
    traces = []

    def loss(module: Layer) -> jax.Array:
        return jnp.mean((module(XS).sum(axis=-1) - target) ** 2)

    @nnx.jit
    def train(module: Layer, optimizer: nnx.Optimizer) -> jax.Array:
        traces.append(1)
        value, gradient = nnx.value_and_grad(loss)(module)
        optimizer.update(module, gradient)
        return value

    losses = [float(train(module, optimizer)) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert len(traces) == 1


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"):
        layer()(XS[..., :1])


@pytest.mark.parametrize("size, error", [(0, ValueError), (2.0, TypeError), (True, TypeError)])
def test_what_is_no_size_is_refused(size: object, error: type[Exception], bad_input: None) -> None:
    with pytest.raises(error, match=r"LSTM\.hidden_size must be"):
        Layer(INPUTS, size, rngs=nnx.Rngs(0))
