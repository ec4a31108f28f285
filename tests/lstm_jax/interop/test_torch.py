import jax
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, ResetFirstGRU, Stack
from lstm_jax.cells import LSTMP, Cell
from lstm_jax.interop import from_torch, to_torch
from lstm_jax.interop.peer import parts
from lstm_jax.layers import Layer
from tests.lstm_jax.interop.cases import draw_entries, draw_params


def both(cell: Cell, merge: str = "concat") -> Bidirectional:
    return Bidirectional(cell, cell, merge)


def test_names_and_shapes() -> None:
    layer = Stack((both(LSTMP(3, projection_size=2)), both(LSTMP(3, projection_size=2))))
    entries = to_torch(layer, draw_params(layer, 5))
    assert {name: leaf.shape for name, leaf in entries.items()} == {
        f"{name}_l{level}{direction}": shape
        for level, size in enumerate([5, 4])
        for direction in ("", "_reverse")
        for name, shape in {
            "weight_ih": (12, size),
            "weight_hh": (12, 2),
            "weight_hr": (2, 3),
            "bias_ih": (12,),
            "bias_hh": (12,),
        }.items()
    }


def test_twelve_layers_are_told_apart() -> None:
    layer = Stack((Elman(2),) * 12)
    params = draw_params(layer, 2)
    again = from_torch(layer, to_torch(layer, params))
    for number in range(12):
        np.testing.assert_array_equal(again[number].w_x, params[number].w_x)


@pytest.mark.parametrize("cell", [LSTM(3), Elman(3)])
def test_two_biases_become_their_sum(cell: Cell) -> None:
    entries = draw_entries(to_torch(cell, draw_params(cell, 2)), seed=0)
    b = from_torch(cell, entries).b
    np.testing.assert_array_equal(b, entries["bias_ih_l0"] + entries["bias_hh_l0"])


def test_only_the_candidate_of_a_gru_keeps_both_biases() -> None:
    entries = draw_entries(to_torch(GRU(3), draw_params(GRU(3), 2)), seed=0)
    params = from_torch(GRU(3), entries)
    b_x, b_h = entries["bias_ih_l0"], entries["bias_hh_l0"]
    np.testing.assert_array_equal(params.b, b_x + np.append(b_h[:6], np.zeros(3)))
    np.testing.assert_array_equal(params.b_u, b_h[6:])


@pytest.mark.parametrize(
    "layer, told",
    [
        (ResetFirstGRU(3), r"torch has no ResetFirstGRU\(.*it has LSTM \(nn.LSTM\), LSTMP"),
        (Stack((LSTM(3), LSTM(4))), "one kind and size"),
        (Stack((LSTM(3), GRU(3))), "one kind and size"),
        (Bidirectional(LSTM(3), LSTM(4)), "one kind and size"),
        (Bidirectional(Elman(3), Elman(3, "relu")), "one kind and size"),
        (both(LSTM(3), "sum"), "merge='concat'; got 'sum'"),
        (both(LSTM(3), "none"), "merge='concat'; got 'none'"),
        (Stack((both(LSTM(3)), LSTM(3))), "got 'concat', one direction"),
        (LSTMP(3, projection_size=3), "projections below hidden_size=3, got 3"),
    ],
)
def test_what_torch_does_not_have_is_refused(layer: Cell | Layer, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        from_torch(layer, {})
    with pytest.raises(ValueError, match=told):
        to_torch(layer, draw_params(layer, 2))


@pytest.mark.parametrize("layer", [LSTM(3), GRU(3), Elman(3), both(GRU(3))])
def test_without_bias(layer: Cell | Layer) -> None:
    params = draw_params(layer, 2)
    zero = jax.tree.map(lambda leaf: leaf * np.float32(leaf.ndim > 1), params)
    entries = to_torch(layer, zero, bias=False)
    assert not any(name.startswith("bias") for name in entries)
    again = from_torch(layer, entries, bias=False)
    jax.tree.map(np.testing.assert_array_equal, again, zero)
    with pytest.raises(ValueError, match="missing: bias_hh_l0"):
        from_torch(layer, entries)
    with pytest.raises(ValueError, match="extra: bias_hh_l0"):
        from_torch(layer, to_torch(layer, zero), bias=False)


@pytest.mark.parametrize("field", ["b", "b_u"])
def test_a_bias_is_not_dropped(field: str) -> None:
    params = jax.tree.map(np.zeros_like, draw_params(GRU(3), 2))
    params = params._replace(**{field: np.ones_like(getattr(params, field))})
    with pytest.raises(ValueError, match=f"without a bias has no place for {field}, which is not"):
        to_torch(GRU(3), params, bias=False)


def test_other_biases_at_the_start_do_not_matter() -> None:
    """How a cell begins is no part of what it computes."""
    first, second = LSTM(3), LSTM(3, weights="uniform")
    layer = Stack((first, second))
    assert len(parts(layer, from_torch(layer, to_torch(layer, draw_params(layer, 2))))) == 2
