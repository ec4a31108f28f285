"""The options of the variant: each is the LSTM again where its parameters say nothing."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Chrono, ForgetBias, LSTMVariant, unroll
from tests.cases import BATCH, HIDDEN, INPUTS, Call, draw
from tests.tolerances import CLOSE, assert_close

PLAIN = LSTM(HIDDEN)
ALL_GATES = 3 * HIDDEN


@pytest.fixture
def call() -> Call:
    return jax.tree.map(jnp.asarray, draw(PLAIN, {"state"}))


def zeros(*shape: int) -> jax.Array:
    return jnp.zeros(shape)


SILENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "peepholes": (
        {"peepholes": True},
        {"p_i": zeros(HIDDEN), "p_f": zeros(HIDDEN), "p_o": zeros(HIDDEN)},
    ),
    "projection": ({"projection_size": HIDDEN}, {"w_p": jnp.eye(HIDDEN)}),
    "gate recurrence": ({"gate_recurrence": True}, {"w_gates": zeros(ALL_GATES, ALL_GATES)}),
}


@pytest.mark.parametrize("options, silent", SILENT.values(), ids=SILENT)
def test_with_parameters_that_say_nothing_it_is_the_lstm(
    options: dict, silent: dict, call: Call
) -> None:
    cell = LSTMVariant(HIDDEN, **options)
    params = cell.init(jax.random.key(0), INPUTS)._replace(**call.params._asdict(), **silent)
    state = cell.initial_state(params, BATCH)._replace(c=call.state.c, h=call.state.h)
    final, ys = unroll(cell, params, call.xs, state)
    expected, hs = unroll(PLAIN, *call[:3])
    assert_close((final.c, final.h, ys), (expected.c, expected.h, hs), CLOSE["float32"])


@pytest.mark.parametrize(
    "options, gate, bias",
    [
        ({"input_gate": "none"}, "i", 200.0),
        ({"forget_gate": False}, "f", 200.0),
        ({"output_gate": False}, "o", 200.0),
    ],
)
def test_a_gate_left_out_is_one_that_stands_open(
    options: dict, gate: str, bias: float, call: Call
) -> None:
    place = "ifgo".index(gate)
    own = slice(place * HIDDEN, (place + 1) * HIDDEN)
    opened = call.params._replace(b=call.params.b.at[own].set(bias))
    others = [n for n in range(4 * HIDDEN) if n not in range(own.start, own.stop)]
    cell = LSTMVariant(HIDDEN, **options)
    fewer = jax.tree.map(lambda leaf: leaf[..., jnp.array(others)], call.params)
    params = cell.init(jax.random.key(0), INPUTS)._replace(**fewer._asdict())
    state = cell.initial_state(params, BATCH)._replace(c=call.state.c, h=call.state.h)
    _, ys = unroll(cell, params, call.xs, state)
    assert_close(ys, unroll(PLAIN, opened, *call[1:3])[1], CLOSE["float32"])


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_coupled_input_gate_is_what_the_forget_gate_leaves(shift: float) -> None:
    """C = f c + i g with constant gates: after many steps of the same candidate, i g / (1 - f)."""
    cell = LSTMVariant(1, input_gate="coupled", coupled_shift=shift)
    params = jax.tree.map(jnp.zeros_like, cell.init(jax.random.key(0), 1))
    b_f, b_g = 0.3, 0.8
    params = params._replace(b=jnp.array([b_f, b_g, 0.0]))
    final, _ = unroll(cell, params, jnp.ones((100, 1, 1)))
    f, i = 1 / (1 + np.exp(-b_f)), 1 - 1 / (1 + np.exp(shift - b_f))
    assert_close(final.c[0, 0], i * np.tanh(b_g) / (1 - f), CLOSE["float32"])


def test_a_projection_is_shown_and_fed_back_but_not_kept() -> None:
    cell = LSTMVariant(HIDDEN, projection_size=2)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}))
    final, ys = unroll(cell, *call[:3])
    assert ys.shape == (*call.xs.shape[:2], 2)
    assert final.h.shape == (BATCH, HIDDEN)
    assert_close(ys[-1], final.h @ call.params.w_p, CLOSE["float32"])
    assert call.params.w_h.shape == (2, 4 * HIDDEN)


def test_layer_normalisation_takes_the_scale_of_weights_away(float64: None) -> None:
    """Up to what is added to a variance."""
    cell = LSTMVariant(16, layer_norm=True)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, dtype="float64", steps=5))
    ys = [
        unroll(cell, call.params._replace(**{name: scale * getattr(call.params, name)}), *call[1:3])
        for scale in (1e4, 1e6)
        for name in ("w_x", "w_h")
    ]
    np.testing.assert_allclose(ys[0][1], ys[2][1], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ys[1][1], ys[3][1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "options, gates",
    [
        ({}, "ifgo"),
        ({"input_gate": "none"}, "fgo"),
        ({"input_gate": "coupled", "output_gate": False}, "fg"),
        ({"forget_gate": False}, "igo"),
    ],
)
def test_only_gates_that_there_are_have_weights_and_biases(options: dict, gates: str) -> None:
    cell = LSTMVariant(HIDDEN, ForgetBias(2.0), peepholes=True, gate_recurrence=True, **options)
    params: Any = cell.init(jax.random.key(0), INPUTS)
    assert params.w_x.shape == (INPUTS, len(gates) * HIDDEN)
    assert params.w_gates.shape == ((len(gates) - 1) * HIDDEN,) * 2
    assert params.w_p is None
    assert params.norm is None
    for place, name in enumerate(gates):
        b = params.b[place * HIDDEN : (place + 1) * HIDDEN]
        np.testing.assert_array_equal(b, 2.0 if name == "f" else 0.0)
    for name in "ifo":
        peephole = getattr(params, f"p_{name}")
        assert (peephole is not None) == (name in gates)
    state = cell.initial_state(params, BATCH)
    assert state.gates is not None
    assert state.gates.shape == (BATCH, (len(gates) - 1) * HIDDEN)


def test_chrono_sets_the_gates_that_there_are() -> None:
    b = np.asarray(LSTMVariant(HIDDEN, Chrono(100)).init(jax.random.key(0), INPUTS).b)
    coupled = LSTMVariant(HIDDEN, Chrono(100), input_gate="coupled")
    fewer = np.asarray(coupled.init(jax.random.key(0), INPUTS).b)
    np.testing.assert_array_equal(b[:HIDDEN], -b[HIDDEN : 2 * HIDDEN])
    assert (fewer[:HIDDEN] > 0).all()
    assert not fewer[HIDDEN:].any()


def test_normalisation_begins_as_normalisation_alone() -> None:
    norm: Any = LSTMVariant(HIDDEN, layer_norm=True).init(jax.random.key(0), INPUTS).norm
    for gain in (norm.gain_x, norm.gain_h, norm.gain_c):
        np.testing.assert_array_equal(gain, 1)
    np.testing.assert_array_equal(norm.bias_c, 0)
    assert norm.gain_x.shape == norm.gain_h.shape == (4 * HIDDEN,)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"input_gate": "coupled", "forget_gate": False}, "'coupled' but forget_gate is False"),
        ({"coupled_shift": 1.0}, r"coupled_shift is 1\.0 but input_gate is 'own'"),
        ({"projection_size": 0}, "projection_size must be at least 1, got 0"),
        ({"input_gate": "couple"}, "did you mean 'coupled'"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LSTMVariant(HIDDEN, **options)
