import jax
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, ResetFirstGRU, Stack
from lstm_jax.cells import LSTMP
from lstm_jax.interop import from_keras, to_keras
from tests.lstm_jax.interop.cases import draw_params


def test_names_of_directions_and_layers() -> None:
    layer = Stack((Bidirectional(LSTM(3), GRU(2)), Elman(4)))
    entries = to_keras(layer, draw_params(layer, 5))
    shapes = jax.tree.map(np.shape, entries, is_leaf=lambda leaf: isinstance(leaf, np.ndarray))
    assert shapes == {
        0: {
            "forward_layer": {"kernel": (5, 12), "recurrent_kernel": (3, 12), "bias": (12,)},
            "backward_layer": {"kernel": (5, 6), "recurrent_kernel": (2, 6), "bias": (2, 6)},
        },
        1: {"kernel": (5, 4), "recurrent_kernel": (4, 4), "bias": (4,)},
    }


@pytest.mark.parametrize("cell", [GRU(1), ResetFirstGRU(1)])
def test_the_update_gate_comes_first(cell: GRU | ResetFirstGRU) -> None:
    params = draw_params(cell, 1)._replace(b=np.array([1, 2, 3], "float32"))
    bias = to_keras(cell, params)["bias"]
    np.testing.assert_array_equal(bias if bias.ndim == 1 else bias[0], [2, 1, 3])


def test_the_candidates_second_bias_is_b_u() -> None:
    bias = np.array([[1, 2, 3], [10, 20, 30]], "float32")
    entries = {"kernel": np.ones((1, 3), "float32"), "recurrent_kernel": np.ones((1, 3), "float32")}
    params = from_keras(GRU(1), entries | {"bias": bias})
    np.testing.assert_array_equal(params.b, [22, 11, 3])
    np.testing.assert_array_equal(params.b_u, [30])
    np.testing.assert_array_equal(to_keras(GRU(1), params)["bias"], [[11, 22, 3], [0, 0, 30]])


def test_the_two_forms_of_the_gru_do_not_pass_for_each_other() -> None:
    entries = to_keras(GRU(2), draw_params(GRU(2), 3))
    with pytest.raises(ValueError, match=r"bias must have shape \(6,\), got \(2, 6\)"):
        from_keras(ResetFirstGRU(2), entries)


def test_a_bias_is_not_dropped() -> None:
    params = draw_params(LSTM(2), 3)
    with pytest.raises(ValueError, match="LSTM without a bias has no place for b"):
        to_keras(LSTM(2), params, bias=False)


def test_keras_has_no_projection() -> None:
    with pytest.raises(ValueError, match=r"keras has no LSTMP\(.*\); it has LSTM \(LSTM\), GRU"):
        from_keras(LSTMP(3, projection_size=2), {})
