"""The LSTM's step, its beginning, and the property it was invented for."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Chrono, ForgetBias, LSTMParams, LSTMState, lstm_step
from lstm_jax.cells.lstm import lstm_gates
from tests import reference
from tests.cases import BATCH, HIDDEN, INPUTS, draw
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)
LONG = 1000
I, F, G, O = (slice(n * HIDDEN, (n + 1) * HIDDEN) for n in range(4))


def test_a_step_follows_the_equations() -> None:
    params, xs, state, *_ = draw(CELL, {"state"})
    after, y = lstm_step(params, state, xs[0])
    for b in range(BATCH):
        one = reference.example(reference.in_float64(state), b)
        model = reference.LSTM(CELL, reference.in_float64(params))
        expected, shown = model.forward(one, xs[0, b].astype(np.float64))
        found = jax.tree.map(lambda leaf, b=b: leaf[b], after)
        assert_close(found._asdict(), expected, CLOSE["float32"])
        assert_close(y[b], shown, CLOSE["float32"])


def test_the_method_and_the_function_are_one_step() -> None:
    params, xs, state, *_ = draw(CELL, {"state"})
    assert_close(CELL.step(params, state, xs[0]), lstm_step(params, state, xs[0]), CLOSE["float32"])


def test_scan_runs_the_step_with_and_without_a_batch() -> None:
    params, xs, state, *_ = draw(CELL, {"state"})
    run = jax.jit(lambda state, xs: jax.lax.scan(partial(lstm_step, params), state, xs))
    batched = run(state, xs)
    (final, ys), _ = reference.unroll(CELL, reference.LSTM, params, xs, state)
    assert_close((batched[0]._asdict(), batched[1]), (final, ys), CLOSE["float32"])
    alone, hs = run(jax.tree.map(lambda leaf: leaf[1], state), xs[:, 1])
    assert hs.shape == (len(xs), HIDDEN)
    expected = reference.example(final, 1)
    assert_close((alone._asdict(), hs), (expected, ys[:, 1]), CLOSE["float32"])


@pytest.fixture
def constant_gates(float64: None) -> LSTMParams:
    """Random weights, but none to the input and the forget gate; i is 0 to 86 digits."""
    params = draw(CELL, dtype="float64").params
    for weights in (params.w_x, params.w_h):
        weights[:, I] = weights[:, F] = 0
    params.b[I] = -200
    return params


def cell_state_after(params: LSTMParams, steps: int):
    """The start, c after random inputs, and the gradient of a random sum of that c."""
    rng = np.random.default_rng(8)
    start = LSTMState(*rng.normal(size=(2, HIDDEN)))
    xs = rng.normal(size=(steps, INPUTS))
    weights = rng.normal(size=HIDDEN)
    run = jax.jit(lambda start, xs: jax.lax.scan(partial(lstm_step, params), start, xs)[0].c)
    c, pull_back = jax.vjp(run, start, xs)
    return start, c, weights, pull_back(jnp.asarray(weights))


def test_constant_error_carousel(constant_gates: LSTMParams) -> None:
    """With f = 1 and i = 0 the cell state and its gradient pass 1000 steps without a change."""
    constant_gates.b[F] = 200  # sigmoid(200) is 1 in float64
    start, c, weights, (d_start, d_xs) = cell_state_after(constant_gates, LONG)
    np.testing.assert_array_equal(c, start.c)
    np.testing.assert_array_equal(d_start.c, weights)
    assert abs(d_xs).max() < 1e-80


def test_a_constant_forget_gate_fades_geometrically(constant_gates: LSTMParams) -> None:
    """dc_T/dc_0 = f^T: at f = 1 - 1/T a share of 1/e is left."""
    f = 1 - 1 / LONG
    constant_gates.b[F] = np.log(f / (1 - f))
    start, c, weights, (d_start, _) = cell_state_after(constant_gates, LONG)
    assert_close((c, d_start.c), (start.c * f**LONG, weights * f**LONG), CLOSE["float64"])


def test_recurrent_weights_begin_orthogonal_gate_by_gate() -> None:
    params = CELL.init(jax.random.key(0), INPUTS)
    for gate in (I, F, G, O):
        block = np.asarray(params.w_h[:, gate])
        assert_close(block.T @ block, np.eye(HIDDEN), CLOSE["float32"])


def test_input_weights_begin_with_the_variance_of_lecun() -> None:
    inputs, hidden = 100, 50
    weights = np.asarray(LSTM(hidden).init(jax.random.key(0), inputs).w_x)
    assert weights.shape == (inputs, 4 * hidden)
    bound = np.sqrt(3 / inputs)
    assert 0.99 * bound < abs(weights).max() <= bound


@pytest.mark.parametrize("bias", [ForgetBias(1.0), ForgetBias(-2.5)], ids=str)
def test_the_forget_bias_is_in_the_second_quarter_alone(bias: ForgetBias) -> None:
    b = np.asarray(LSTM(HIDDEN, bias).init(jax.random.key(0), INPUTS).b)
    assert (b[F] == bias.value).all()
    assert not b[I].any()
    assert not b[G].any()
    assert not b[O].any()


def test_chrono_sets_the_input_and_the_forget_bias() -> None:
    b = np.asarray(LSTM(HIDDEN, Chrono(500)).init(jax.random.key(0), INPUTS).b)
    assert (b[F] > 0).all()
    assert len(set(b[F].tolist())) == HIDDEN
    np.testing.assert_array_equal(b[I], -b[F])
    assert not b[G].any()
    assert not b[O].any()


def test_the_state_begins_at_zero() -> None:
    state = CELL.initial_state(draw(CELL).params, BATCH)
    assert state._fields == ("c", "h")
    for leaf in state:
        assert leaf.shape == (BATCH, HIDDEN)
        assert not leaf.any()


@pytest.mark.parametrize(
    "size, error, words",
    [
        (0, ValueError, "LSTM.hidden_size must be at least 1, got 0"),
        (-3, ValueError, "LSTM.hidden_size must be at least 1, got -3"),
        (True, TypeError, "LSTM.hidden_size must be an integer, got True"),
        (2.5, TypeError, "LSTM.hidden_size must be an integer, got 2.5"),
    ],
)
def test_what_is_no_size_is_refused(size: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        LSTM(size)


def test_what_is_no_bias_is_refused() -> None:
    with pytest.raises(TypeError, match=r"LSTM\.bias must be ForgetBias or Chrono, got 1\.0"):
        LSTM(HIDDEN, 1.0)


def test_chrono_without_t_max_cannot_begin() -> None:
    with pytest.raises(ValueError, match=r"Chrono\.t_max is not set"):
        LSTM(HIDDEN, Chrono()).init(jax.random.key(0), INPUTS)


def test_saturated_gates_have_finite_derivatives_of_any_order() -> None:
    def total(z: jax.Array, c: jax.Array) -> jax.Array:
        return sum(part.sum() for part in lstm_gates(z, c))

    for value in (-1e4, -100.0, 100.0, 1e4):
        z, c = jnp.full((1, 8), value), jnp.ones((1, 2))
        for derive in (jax.grad(total), jax.jacfwd(jax.grad(total)), jax.hessian(total)):
            assert np.isfinite(derive(z, c)).all()


def test_small_and_nearly_closed_gates_keep_their_digits() -> None:
    z = np.float32([[-12.0, 3.0, 1e-4, -9.0]])
    state = lstm_gates(jnp.array(z), jnp.zeros((1, 1)))
    i, _, g, o = 1 / (1 + np.exp(-z.astype(float)[0]))
    g = np.tanh(float(z[0, 2]))
    np.testing.assert_allclose(state.c[0, 0], i * g, rtol=0, atol=2e-7 * i)
    np.testing.assert_allclose(state.h[0, 0], o * np.tanh(i * g), rtol=0, atol=2e-7 * i * o)
