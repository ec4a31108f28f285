"""Flax's conventions change the order of axes and what is returned, never the numbers."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, DropConnect, LearnedState, Noise, Stack, unroll
from lstm_jax.layers.batch_major import Recurrent
from tests.layer_cases import BATCH, LAYERS, NOISY, STEPS, draw, expected
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(3)
CALL = draw(CELL)


@pytest.mark.few(8)
@pytest.mark.parametrize("time_major", [False, True], ids=["batch-major", "time-major"])
@pytest.mark.parametrize("name", LAYERS)
def test_equals_unroll(name: str, time_major: bool) -> None:
    params, xs, state, lengths, resets = draw(LAYERS[name])
    layer = Recurrent(LAYERS[name], time_major=time_major, return_state=True)
    if time_major:
        xs, resets = xs.swapaxes(0, 1), resets.T
    apply = jax.jit(lambda *given: layer.apply(*given[:3], lengths=given[3], resets=given[4]))
    final, ys = apply(params, xs, state, lengths, resets)
    if time_major:
        ys = jax.tree.map(lambda y: y.swapaxes(0, 1), ys)
    assert_close((final, ys), expected(LAYERS[name]), CLOSE["float32"])


@pytest.mark.parametrize("name", ["lstm", "stack"])
def test_reverse_is_that_of_unroll(name: str) -> None:
    params, xs, state, lengths, resets = draw(LAYERS[name])
    layer = Recurrent(LAYERS[name], reverse=True, return_state=True)
    found = layer.apply(params, xs, state, lengths=lengths, resets=resets)
    assert_close(found, expected(LAYERS[name], reverse=True), CLOSE["float32"])


def test_outputs_alone_unless_the_state_is_asked_for() -> None:
    ys = Recurrent(CELL).apply(CALL.params, CALL.xs)
    assert ys.shape == (BATCH, STEPS, 3)
    _, again = Recurrent(CELL, return_state=True).apply(CALL.params, CALL.xs)
    np.testing.assert_array_equal(ys, again)


@pytest.mark.parametrize("name", NOISY)
def test_noise_goes_to_the_layer_and_none_is_evaluation(name: str) -> None:
    layer, call = NOISY[name], draw(NOISY[name])
    assert layer.draws
    quiet = Recurrent(layer).apply(call.params, call.xs)
    noisy = Recurrent(layer).apply(call.params, call.xs, noise=Noise(jax.random.key(1)))
    again = Recurrent(layer).apply(call.params, call.xs, noise=Noise(jax.random.key(1)))
    np.testing.assert_array_equal(noisy, again)
    assert abs(noisy - quiet).max() > 1e-3


def test_who_draws() -> None:
    assert DropConnect(CELL).draws
    assert not LearnedState(CELL).draws
    assert LearnedState(DropConnect(CELL)).draws
    assert Stack((CELL, CELL), dropout=0.5).draws
    assert not Stack((CELL, CELL)).draws
    assert [name for name in LAYERS if LAYERS[name].draws] == ["deep"]


def test_truncate_cuts_the_gradient_and_not_the_numbers() -> None:
    def gradient(truncate: int | None) -> jax.Array:
        layer = Recurrent(CELL, truncate=truncate)
        return jax.grad(lambda xs: layer.apply(CALL.params, xs)[:, -1].sum())(CALL.xs)

    whole, cut = gradient(None), gradient(5)
    assert abs(whole[:, :5]).max() > 0
    assert not cut[:, :5].any()
    np.testing.assert_allclose(cut[:, 5:], whole[:, 5:], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(
        Recurrent(CELL, truncate=5).apply(CALL.params, CALL.xs),
        Recurrent(CELL).apply(CALL.params, CALL.xs),
    )


def test_the_executor_is_obeyed() -> None:
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        Recurrent(CELL, executor="scam").apply(CALL.params, CALL.xs)


@pytest.mark.parametrize(
    "time_major, axes", [(False, r"\(B, T, I\)"), (True, r"\(T, B, I\)")], ids=["batch", "time"]
)
def test_another_rank_is_refused_in_the_callers_axes(
    time_major: bool, axes: str, bad_input: None
) -> None:
    with pytest.raises(ValueError, match=rf"xs must be {axes}, got shape \(7, 2\)"):
        Recurrent(CELL, time_major=time_major).apply(CALL.params, CALL.xs[0])


@pytest.mark.parametrize("shape", [(STEPS, BATCH), (BATCH,)], ids=["time-major", "rank 1"])
def test_other_resets_are_refused_in_the_callers_axes(
    shape: tuple[int, ...], bad_input: None
) -> None:
    sentence = f"resets must have shape {(BATCH, STEPS)}, got {shape}"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Recurrent(CELL).apply(CALL.params, CALL.xs, resets=jnp.zeros(shape, bool))


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("gru", r"state must be GRUState\(h=\(4, 3\)\), got LSTMState\(c=\(4, 3\), h="),
        ("stack", r"states of a stack are a tuple of those of its \d layers, got LSTMState"),
        ("bidirectional", "state must be BidirectionalState, got LSTMState"),
    ],
)
def test_the_state_of_another_layer_is_refused(name: str, sentence: str, bad_input: None) -> None:
    layer = {**LAYERS, "gru": GRU(3)}[name]
    call = draw(layer)
    with pytest.raises(TypeError, match=sentence):
        Recurrent(layer).apply(call.params, call.xs, CALL.state)


@pytest.mark.parametrize("setting", ["reverse", "time_major", "return_state"])
def test_settings_are_true_or_false(setting: str, bad_input: None) -> None:
    with pytest.raises(TypeError, match=rf"Recurrent\.{setting} must be true or false, got 1"):
        Recurrent(CELL, **{setting: 1})


def test_truncate_is_a_number_of_steps() -> None:
    with pytest.raises(ValueError, match=r"Recurrent\.truncate must be at least 1, got 0"):
        Recurrent(CELL, truncate=0)


@pytest.mark.parametrize(
    "layer", [Bidirectional(CELL, CELL), Stack((CELL, Bidirectional(CELL, CELL)))]
)
def test_what_runs_both_ways_has_no_reverse(layer: Bidirectional | Stack) -> None:
    with pytest.raises(ValueError, match=r"Recurrent\.reverse is True but the layer is bidirec"):
        Recurrent(layer, reverse=True)


def test_a_class_is_no_layer(bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"Recurrent\.layer must be Cell or Layer"):
        Recurrent(LSTM)


def test_equals_unroll_of_the_cell_itself() -> None:
    ys = Recurrent(CELL).apply(CALL.params, CALL.xs)
    _, direct = unroll(CELL, CALL.params, CALL.xs.swapaxes(0, 1))
    np.testing.assert_array_equal(ys, direct.swapaxes(0, 1))
