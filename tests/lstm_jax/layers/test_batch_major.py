"""Flax's conventions change the order of axes and what is returned, never the numbers."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM
from lstm_jax.layers.batch_major import Recurrent
from tests.cases import BATCH, HIDDEN, STEPS, draw, outputs
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)
CALL = draw(CELL, {"state", "lengths", "resets"})


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("time_major", [False, True], ids=["batch-major", "time-major"])
def test_equals_unroll(reverse: bool, time_major: bool) -> None:
    layer = Recurrent(CELL, reverse=reverse, time_major=time_major, return_state=True)
    params, xs, state, lengths, resets = CALL
    if not time_major:
        xs, resets = xs.swapaxes(0, 1), resets.T
    apply = jax.jit(lambda *given: layer.apply(*given[:3], lengths=given[3], resets=given[4]))
    final, ys = apply(params, xs, state, lengths, resets)
    expected_final, expected_ys = outputs(CALL, cell=CELL, reverse=reverse)
    expected_ys = expected_ys if time_major else expected_ys.swapaxes(0, 1)
    assert_close((final, ys), (expected_final, expected_ys), CLOSE["float32"])


def test_outputs_alone_unless_the_state_is_asked_for() -> None:
    xs = jnp.array(CALL.xs.swapaxes(0, 1))
    ys = Recurrent(CELL).apply(CALL.params, xs)
    assert ys.shape == (BATCH, STEPS, HIDDEN)
    _, again = Recurrent(CELL, return_state=True).apply(CALL.params, xs)
    np.testing.assert_array_equal(ys, again)


def test_the_executor_is_obeyed() -> None:
    xs = jnp.array(CALL.xs.swapaxes(0, 1))
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        Recurrent(CELL, executor="scam").apply(CALL.params, xs)


@pytest.mark.parametrize(
    "time_major, axes", [(False, r"\(B, T, I\)"), (True, r"\(T, B, I\)")], ids=["batch", "time"]
)
def test_another_rank_is_refused_in_the_callers_axes(
    time_major: bool, axes: str, bad_input: None
) -> None:
    with pytest.raises(ValueError, match=rf"xs must be {axes}, got shape \(4, 2\)"):
        Recurrent(CELL, time_major=time_major).apply(CALL.params, CALL.xs[0])


@pytest.mark.parametrize("shape", [(STEPS, BATCH), (BATCH,)], ids=["time-major", "rank 1"])
def test_other_resets_are_refused_in_the_callers_axes(
    shape: tuple[int, ...], bad_input: None
) -> None:
    xs, resets = jnp.array(CALL.xs.swapaxes(0, 1)), jnp.zeros(shape, bool)
    sentence = f"resets must have shape {(BATCH, STEPS)}, got {shape}"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Recurrent(CELL).apply(CALL.params, xs, resets=resets)


@pytest.mark.parametrize("setting", ["reverse", "time_major", "return_state"])
def test_settings_are_true_or_false(setting: str, bad_input: None) -> None:
    with pytest.raises(TypeError, match=rf"Recurrent\.{setting} must be true or false, got 1"):
        Recurrent(CELL, **{setting: 1})


def test_a_class_is_no_cell(bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"Recurrent\.cell must be Cell"):
        Recurrent(LSTM)
