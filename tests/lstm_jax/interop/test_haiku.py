"""Haiku's names, its update gate and what the 1 that it adds costs."""

from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, ResetFirstGRU, Stack
from lstm_jax.cells import LSTMParams
from lstm_jax.interop import from_haiku, to_haiku
from tests.lstm_jax.interop.cases import draw_params

DTYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64"]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)

UNITS = 100


def with_forget_bias(b_f: Any) -> LSTMParams:
    """An LSTM of one input whose weights say nothing."""
    size = len(b_f)
    b = np.zeros((4, size), b_f.dtype)
    b[1] = b_f
    return LSTMParams(
        np.zeros((1, 4 * size), b.dtype), np.zeros((size, 4 * size), b.dtype), b.ravel()
    )


def there(params: LSTMParams) -> dict[str, dict[str, np.ndarray]]:
    return to_haiku(LSTM(len(params.w_h)), params)


def back(entries: dict[str, dict[str, np.ndarray]]) -> LSTMParams:
    return from_haiku(LSTM(len(entries["lstm/linear"]["b"]) // 4), entries)


def forget(params: LSTMParams) -> np.ndarray:
    return np.split(params.b, 4)[1]


def drawn(dtype: Any, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=scale, size=UNITS).astype(dtype)


@dtypes
def test_forget_biases_from_one_half_up_come_back_to_the_last_bit(dtype: Any) -> None:
    limit = 1 / ml_dtypes.finfo(dtype).epsneg / 2
    b_f = np.append(0.5 + abs(drawn(dtype, 10.0)), [0.5, 1.0, 2.0, limit]).astype(dtype)
    b_f = b_f[b_f <= limit]
    assert forget(back(there(with_forget_bias(b_f)))).tobytes() == b_f.tobytes()


@dtypes
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
def test_any_other_is_off_by_half_a_spacing_at_most(dtype: Any, scale: float) -> None:
    b_f = drawn(dtype, scale)
    again = forget(back(there(with_forget_bias(b_f))))
    shifted = np.maximum(abs(np.float64(b_f) - 1), 2.0**-14)
    spacing = 2.0 ** np.floor(np.log2(shifted)) * float(ml_dtypes.finfo(dtype).eps)
    error = abs(np.float64(again) - np.float64(b_f))
    assert (error <= spacing / 2).all()
    assert (error > 0).any()


@dtypes
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
def test_after_one_passage_nothing_changes_any_more(dtype: Any, scale: float) -> None:
    once = there(with_forget_bias(drawn(dtype, scale)))
    assert there(back(once))["lstm/linear"]["b"].tobytes() == once["lstm/linear"]["b"].tobytes()
    theirs = {"lstm/linear": once["lstm/linear"] | {"b": np.tile(drawn(dtype, scale), 4)}}
    ours = back(theirs)
    assert forget(back(there(ours))).tobytes() == forget(ours).tobytes()


def test_all_else_of_an_lstm_is_moved_and_not_changed() -> None:
    rng = np.random.default_rng(1)
    like = draw_params(LSTM(3), 2)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype("float32"), like)
    entries = to_haiku(LSTM(3), params)["lstm/linear"]
    i, g, f, o = np.split(entries["w"], 4, axis=-1)
    rows = np.concatenate([params.w_x, params.w_h])
    np.testing.assert_array_equal(np.concatenate([i, f, g, o], axis=-1), rows)
    again = from_haiku(LSTM(3), {"lstm/linear": entries})
    np.testing.assert_array_equal(again.w_x, params.w_x)
    np.testing.assert_array_equal(again.w_h, params.w_h)
    for gate in (0, 2, 3):
        own = slice(3 * gate, 3 * gate + 3)
        np.testing.assert_array_equal(again.b[own], params.b[own])


def test_the_update_gate_is_turned_round_and_comes_first() -> None:
    params = draw_params(ResetFirstGRU(1), 1)._replace(b=np.array([1, 2, 3], "float32"))
    entries = to_haiku(ResetFirstGRU(1), params)["gru"]
    np.testing.assert_array_equal(entries["b"], [-2, 1, 3])
    np.testing.assert_array_equal(entries["w_i"][0, 0], -params.w_x[0, 1])


def test_two_biases_become_their_sum() -> None:
    cell = Elman(2, "relu")
    w, b = np.ones((2, 2)), np.array([1.0, 2.0])
    modules = {
        "vanilla_rnn/linear": {"w": w, "b": b},
        "vanilla_rnn/linear_1": {"w": w, "b": 10 * b},
    }
    params = from_haiku(cell, modules)
    np.testing.assert_array_equal(params.b, [11, 22])
    np.testing.assert_array_equal(to_haiku(cell, params)["vanilla_rnn/linear_1"]["b"], [0, 0])


def test_cells_of_a_stack_are_counted_by_kind() -> None:
    layer = Stack((LSTM(2), ResetFirstGRU(2), LSTM(2), LSTM(2), Elman(2, "relu")))
    assert list(to_haiku(layer, draw_params(layer, 3))) == [
        *("lstm/linear", "gru", "lstm_1/linear", "lstm_2/linear"),
        *("vanilla_rnn/linear", "vanilla_rnn/linear_1"),
    ]


@pytest.mark.parametrize("layer", [GRU(2), Elman(2)])
def test_other_forms_are_refused(layer: GRU | Elman) -> None:
    with pytest.raises(
        ValueError, match=r"haiku has no .*ResetFirstGRU \(hk.GRU\), relu Elman \(hk"
    ):
        from_haiku(layer, {})


def test_a_bidirectional_is_refused() -> None:
    with pytest.raises(ValueError, match="haiku has no Bidirectional; convert the forward"):
        from_haiku(Stack((Bidirectional(LSTM(2), LSTM(2)),)), {})
