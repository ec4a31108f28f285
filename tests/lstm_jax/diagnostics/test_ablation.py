"""A held gate is at its mean at every step, and nothing else is changed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import Elman, unroll
from lstm_jax.diagnostics import ablation, gate_statistics
from lstm_jax.diagnostics.ablation import Holding
from tests.lstm_jax.diagnostics.looked_at import CELLS, MODEL, called, of_model
from tests.tolerances import CLOSE, assert_close

GATED = {case: cell for case, cell in CELLS.items() if cell.gating is not None}


def everything(ys: jax.Array) -> jax.Array:
    return ys


@pytest.mark.few(3)
@pytest.mark.parametrize("case", GATED)
def test_each_gate_of_a_cell_step_by_step(case: str) -> None:
    cell = GATED[case]
    params, xs, _ = called(cell)
    (found,) = gate_statistics(cell, params, xs)
    intact, (held,) = ablation(cell, params, xs, everything)
    assert_close(intact, unroll(cell, params, xs)[1], CLOSE["float32"])
    assert sorted(held) == sorted(cell.gating.gates)
    for gate, outputs in held.items():
        state = cell.initial_state(params, xs.shape[1])
        for x, y in zip(xs, outputs, strict=True):
            state, _ = cell.advance_gated(params, state, x, {gate: found.mean[gate]})
            assert_close(y, cell.output(params, state), CLOSE["float32"])
        assert np.abs(np.asarray(outputs - intact)).max() > 1e-3


def test_every_cell_of_a_model_alone() -> None:
    params, xs, lengths = of_model(MODEL)
    intact, held = ablation(MODEL, params, xs, everything, lengths)
    assert_close(intact, MODEL.apply(params, xs, lengths=lengths)[1], CLOSE["float32"])
    assert [sorted(of_cell) for of_cell in held] == [[*"fio"], [*"rz"], [*"fio"]]
    outputs = [np.asarray(o).ravel() for of_cell in held for o in of_cell.values()]
    assert len(np.unique(np.round([*outputs, np.ravel(intact)], 5), axis=0)) == 9


def test_a_gate_that_never_moves_is_worth_nothing() -> None:
    cell = GATED["lstm"]
    params, xs, _ = called(cell)
    still = jnp.array(np.repeat([1.0, 1.0, 1.0, 0.0], 3), jnp.float32)
    params = params._replace(w_x=params.w_x * still, w_h=params.w_h * still)
    intact, (held,) = ablation(cell, params, xs, everything)
    assert_close(held["o"], intact, CLOSE["float32"])
    assert np.abs(np.asarray(held["f"] - intact)).max() > 1e-3


def test_a_cell_without_gates_has_none_to_hold() -> None:
    params, xs, _ = called(Elman(3))
    assert ablation(Elman(3), params, xs, jnp.sum).held == ({},)


def test_a_holding_cell_has_the_shapes_that_it_draws() -> None:
    cell = Holding(GATED["gru"], ("r",))
    drawn = cell.init(jax.random.key(0), 2)
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), cell.param_shapes(2))
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), drawn) == shapes
