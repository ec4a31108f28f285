import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, Stack
from lstm_jax.interop import from_equinox, to_equinox
from tests.lstm_jax.interop.cases import draw_params


def test_names_and_layout() -> None:
    params = draw_params(GRU(3), 2)
    entries = to_equinox(GRU(3), params)
    np.testing.assert_array_equal(entries["weight_ih"], params.w_x.T)
    np.testing.assert_array_equal(entries["weight_hh"], params.w_h.T)
    np.testing.assert_array_equal(entries["bias"], params.b)
    np.testing.assert_array_equal(entries["bias_n"], params.b_u)
    assert to_equinox(LSTM(3), draw_params(LSTM(3), 2)).keys() == entries.keys() - {"bias_n"}


def test_without_bias_there_are_zeros() -> None:
    weights = {"weight_ih": np.ones((9, 2)), "weight_hh": np.ones((9, 3))}
    params = from_equinox(GRU(3), weights, bias=False)
    assert not params.b.any()
    assert not params.b_u.any()
    with pytest.raises(ValueError, match=r"missing: bias, .*\n  missing: bias_n"):
        from_equinox(GRU(3), weights)


def test_a_bias_is_not_dropped() -> None:
    with pytest.raises(ValueError, match="LSTMCell without a bias has no place for b"):
        to_equinox(LSTM(3), draw_params(LSTM(3), 2), bias=False)


@pytest.mark.parametrize("layer", [Stack((LSTM(3),)), Bidirectional(GRU(3), GRU(3))])
def test_layers_are_refused(layer: Stack | Bidirectional) -> None:
    with pytest.raises(ValueError, match="equinox has cells alone; convert those of"):
        from_equinox(layer, {})


def test_other_cells_are_refused() -> None:
    with pytest.raises(ValueError, match=r"equinox has no Elman\(.*has LSTM \(LSTMCell\), GRU"):
        from_equinox(Elman(3), {})
