"""Traces are the states of the reference and the gates that made them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import sequence
from lstm_jax.cells import Cell
from lstm_jax.diagnostics import traces
from tests.cases import CASES
from tests.lstm_jax.diagnostics.looked_at import (
    CELLS,
    MODEL,
    REFERENCED,
    STACK,
    called,
    of_model,
    states_of,
)
from tests.tolerances import CLOSE, assert_close


@pytest.mark.few(3)
@pytest.mark.parametrize("case", REFERENCED)
def test_states_are_those_of_the_reference(case: str) -> None:
    cell, _ = CASES[case]
    params, xs, lengths = called(cell)
    (found,) = traces(cell, params, xs, lengths)
    for b, states in enumerate(states_of(case, params, xs, lengths)):
        for t, state in enumerate(states):
            for name in set(found) & {"c", "h"}:
                assert_close(found[name][t, b], state[name], CLOSE["float32"])


@pytest.mark.few(4)
@pytest.mark.parametrize("case", CELLS)
def test_gates_made_the_states(case: str) -> None:
    """Step by step from the states that are told; zero past the end."""
    cell = CELLS[case]
    params, xs, lengths = called(cell)
    (found,) = traces(cell, params, xs, lengths)
    inside = np.arange(len(xs))[:, None] < np.asarray(lengths)
    for values in found.values():
        assert not np.asarray(values)[~inside].any()
    state = cell.initial_state(params, xs.shape[1])
    for t, x in enumerate(xs):
        state, gates = cell.advance_gated(params, state, x)
        now = {name: part for name, part in state._asdict().items() if name != "gates"} | gates
        assert set(found) == set(now)
        for name, value in now.items():
            assert_close(found[name][t][inside[t]], value[inside[t]], CLOSE["float32"])


def test_of_a_model_with_layers_that_run_both_ways() -> None:
    params, xs, lengths = of_model(MODEL)
    found = traces(MODEL, params, xs, lengths)
    _, _, states = STACK.unroll(params.stack, xs, lengths=lengths, return_states=True)
    mask = sequence.mask(lengths, len(xs))
    expected = (states[0], states[1].forward, states[1].backward)
    for told, state in zip(found, expected, strict=True):
        assert_close(told["h"], sequence.silence(state.h, mask), CLOSE["float32"])
    assert [sorted(told) for told in found] == [[*"cfghio"], [*"hnrz"], [*"cfghio"]]


def test_under_jit_and_vmap() -> None:
    cell: Cell = CELLS["lstm"]
    params, xs, lengths = called(cell)
    both = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf / 2]), params)
    each = jax.jit(jax.vmap(functools.partial(traces, cell), in_axes=(0, None, None)))
    found = each(both, xs, lengths)
    for n in range(2):
        alone = traces(cell, jax.tree.map(lambda leaf, n=n: leaf[n], both), xs, lengths)
        assert_close(jax.tree.map(lambda leaf, n=n: leaf[n], found), alone, CLOSE["float32"])


def test_inputs_that_do_not_fit_are_refused(bad_input: None) -> None:
    params, xs, _ = called(CELLS["lstm"])
    with pytest.raises(ValueError, match=r"lengths must be in 0\.\.7, got 8"):
        traces(CELLS["lstm"], params, xs, np.array([8, 0, 0, 0]))
    with pytest.raises(ValueError, match=r"time-major.*\(7,\)"):
        traces(CELLS["lstm"], params, xs[:, 0, 0])
    with pytest.raises(ValueError, match=r"layer 0: .*must have shape"):
        traces(CELLS["lstm"], params, xs[..., :1])
