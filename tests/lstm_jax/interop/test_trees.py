import jax
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Stack
from lstm_jax.arguments import shapes
from lstm_jax.cells import LSTMVariant
from lstm_jax.interop.trees import fitted, named, owned, rebuilt
from tests.lstm_jax.interop.cases import draw_params

LAYER = Stack((Bidirectional(LSTM(3), GRU(2)), LSTMVariant(2, projection_size=1)))


def test_names_tell_the_place() -> None:
    assert list(named(shapes(LAYER, 4))) == [
        *("0.forward.w_x", "0.forward.w_h", "0.forward.b"),
        *("0.backward.w_x", "0.backward.w_h", "0.backward.b", "0.backward.b_u"),
        *("1.w_x", "1.w_h", "1.b", "1.w_p"),
    ]


def test_names_and_back() -> None:
    params = draw_params(LAYER, 4)
    again = rebuilt(params, named(params))
    assert jax.tree.structure(again) == jax.tree.structure(params)
    assert jax.tree.leaves(again) == jax.tree.leaves(params)


def test_fitted_holds_arrays_to_the_layer() -> None:
    params = draw_params(LAYER, 4)
    found = fitted("the weights do not fit", LAYER, named(params))
    jax.tree.map(np.testing.assert_array_equal, found, params)
    wrong = named(params) | {"1.w_q": np.ones(3), "1.b": np.ones(3, "float32")}
    with pytest.raises(ValueError, match=r"1\.b must have .*got \(3,\)\n  extra: 1\.w_q"):
        fitted("the weights do not fit", LAYER, wrong)


def test_owned_arrays_share_nothing() -> None:
    array = np.arange(6.0).reshape(2, 3)
    copy = owned({"a": array.T})["a"]
    array[0, 1] = -1.0
    assert copy[1, 0] == 1.0
    assert copy.flags.c_contiguous
