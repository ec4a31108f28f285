from typing import Any

import jax
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, Stack
from lstm_jax.interop import from_linen, from_nnx, to_linen, to_nnx
from tests.lstm_jax.interop.cases import draw_params

LAYER = Stack((Bidirectional(LSTM(3), GRU(2)), Elman(4)))


def shapes(entries: Any) -> Any:
    return jax.tree.map(np.shape, entries, is_leaf=lambda leaf: isinstance(leaf, np.ndarray))


def test_names_in_linen() -> None:
    entries = shapes(to_linen(LAYER, draw_params(LAYER, 5)))
    assert entries == {
        "layers_0": {
            "forward_rnn": {
                "cell": {
                    **{f"i{gate}": {"kernel": (5, 3)} for gate in "ifgo"},
                    **{f"h{gate}": {"kernel": (3, 3), "bias": (3,)} for gate in "ifgo"},
                }
            },
            "backward_rnn": {
                "cell": {
                    **{f"i{gate}": {"kernel": (5, 2), "bias": (2,)} for gate in "rzn"},
                    **{f"h{gate}": {"kernel": (2, 2)} for gate in "rz"},
                    "hn": {"kernel": (2, 2), "bias": (2,)},
                }
            },
        },
        "layers_1": {"cell": {"i": {"kernel": (5, 4), "bias": (4,)}, "h": {"kernel": (4, 4)}}},
    }


@pytest.mark.parametrize("optimized", [True, False])
def test_names_in_nnx(optimized: bool) -> None:
    params = jax.tree.map(np.zeros_like, draw_params(LAYER, 5))
    entries = shapes(to_nnx(LAYER, params, optimized=optimized))
    together = {"dense_i": {"kernel": (5, 12)}, "dense_h": {"kernel": (3, 12), "bias": (12,)}}
    apart = {
        **{name: {"kernel": (5, 3)} for name in ("ii", "if_", "ig", "io")},
        **{f"h{gate}": {"kernel": (3, 3), "bias": (3,)} for gate in "ifgo"},
    }
    gru = {"dense_i": {"kernel": (5, 6), "bias": (6,)}, "dense_h": {"kernel": (2, 6)}}
    elman = {"dense_i": {"kernel": (5, 4), "bias": (4,)}, "dense_h": {"kernel": (4, 4)}}
    assert entries == {
        "layers": {
            0: {
                "forward_rnn": {"cell": together if optimized else apart},
                "backward_rnn": {"cell": gru},
            },
            1: {"cell": elman},
        }
    }


def test_each_gate_goes_to_its_layer() -> None:
    params = draw_params(LSTM(2), 3)
    entries = to_linen(LSTM(2), params)
    for number, gate in enumerate("ifgo"):
        own = slice(2 * number, 2 * number + 2)
        np.testing.assert_array_equal(entries[f"i{gate}"]["kernel"], params.w_x[:, own])
        np.testing.assert_array_equal(entries[f"h{gate}"]["kernel"], params.w_h[:, own])
        np.testing.assert_array_equal(entries[f"h{gate}"]["bias"], params.b[own])


def test_nnx_has_no_second_bias_of_the_candidate() -> None:
    params = draw_params(GRU(2), 3)
    without = params._replace(b_u=np.zeros_like(params.b_u))
    np.testing.assert_array_equal(from_nnx(GRU(2), to_nnx(GRU(2), without)).b_u, [0, 0])
    with pytest.raises(ValueError, match="nnx GRUCell has no place for b_u, which is not zero"):
        to_nnx(GRU(2), params)


def test_the_two_cells_of_nnx_do_not_pass_for_each_other() -> None:
    entries = to_nnx(LSTM(2), draw_params(LSTM(2), 3))
    with pytest.raises(ValueError, match="missing: hf/bias"):
        from_nnx(LSTM(2), entries, optimized=False)


def test_all_linen_params_with_their_collection_are_told_apart() -> None:
    entries = to_linen(LSTM(2), draw_params(LSTM(2), 3))
    with pytest.raises(ValueError, match="extra: params/hf/bias; did you mean 'hf/bias'"):
        from_linen(LSTM(2), {"params": entries})
