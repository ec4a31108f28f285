"""A model, a stack, a layer and a cell are all seen as a stack of cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, Stack, Zoneout
from lstm_jax.diagnostics.subjects import by_cell, cell_names, cells_of, stack_of, view, with_cells
from lstm_jax.layers import SequenceModel
from tests.tolerances import CLOSE, assert_close

PAIR = Bidirectional(GRU(3), Elman(2))
STACK = Stack((LSTM(4), PAIR, GRU(2)))
MODEL = SequenceModel(STACK, 6, 3, tokens=True, shortcut=True)


def test_every_cell_has_a_name_in_order() -> None:
    names = ("layer 0", "layer 1 forward", "layer 1 backward", "layer 2")
    assert cell_names(MODEL) == cell_names(STACK) == names
    assert cells_of(STACK) == (LSTM(4), GRU(3), Elman(2), GRU(2))
    assert by_cell(STACK, (0, (1, 2), 3)) == (0, 1, 2, 3)
    assert cell_names(PAIR) == ("layer 0 forward", "layer 0 backward")
    assert cell_names(LSTM(4)) == ("layer 0",)


def test_cells_are_replaced_in_place() -> None:
    wrapped = with_cells(STACK, lambda cell: Zoneout(cell, h=0.1))
    assert cells_of(wrapped) == tuple(Zoneout(cell, h=0.1) for cell in cells_of(STACK))
    assert wrapped.layers[1].merge == PAIR.merge


def test_what_a_model_sees_and_reads() -> None:
    params = MODEL.init(jax.random.key(0))
    tokens = jnp.array(np.random.default_rng(0).integers(6, size=(5, 2)))
    stack, of_stack, xs, read = view(MODEL, params, tokens)
    _, ys = stack.unroll(of_stack, xs)
    assert_close(read(ys), MODEL.apply(params, tokens)[1], CLOSE["float32"])


def test_what_has_no_cells_is_refused() -> None:
    with pytest.raises(TypeError, match="looked into, got str"):
        stack_of("lstm")  # type: ignore[arg-type]
