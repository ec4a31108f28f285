"""What every cell promises: settings that `jit` can take, and a step that splits in parts."""

import functools
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.cells import Cell, SplitCell
from tests.cases import BATCH, CASES, INPUTS, draw, normal
from tests.tolerances import CLOSE, assert_close

SPLIT = [case for case, (cell, _) in CASES.items() if isinstance(cell, SplitCell)]
every_cell = pytest.mark.parametrize("cell", [cell for cell, _ in CASES.values()], ids=CASES)
every_split_cell = pytest.mark.parametrize("cell", [CASES[case][0] for case in SPLIT], ids=SPLIT)


@every_cell
def test_a_cell_is_a_value(cell: Cell) -> None:
    """Equal settings are equal, with the same hash: `jit` compiles once for both."""
    twin = pickle.loads(pickle.dumps(cell))
    assert twin is not cell
    assert twin == cell
    assert hash(twin) == hash(cell)
    traces = []

    @functools.partial(jax.jit, static_argnums=0)
    def width(cell: Cell) -> jax.Array:
        traces.append(cell)
        return jnp.zeros(cell.output_size)

    assert width(cell).shape == width(twin).shape
    assert len(traces) == 1


@every_cell
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_dtype_from_parameters_to_outputs(cell: Cell, dtype: str, float64: None) -> None:
    def all_arrays(key: jax.Array) -> tuple:
        params = cell.init(key, INPUTS, jnp.dtype(dtype))
        state = cell.initial_state(params, BATCH)
        return params, state, cell.step(params, state, jnp.ones((BATCH, INPUTS), dtype))

    found = jax.eval_shape(all_arrays, jax.random.key(0))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {dtype}


@every_cell
def test_parameters_and_states_are_named_and_keep_their_shapes(cell: Cell) -> None:
    params, xs, state, *_ = draw(cell, {"state"})
    advanced, y = cell.step(params, state, xs[0])
    assert y.shape == (BATCH, cell.output_size)
    initial = cell.initial_state(params, BATCH)
    assert initial._fields == state._fields == advanced._fields
    assert params._fields == cell.init(jax.random.key(0), INPUTS)._fields
    chex.assert_trees_all_equal_shapes(initial, state, advanced)
    chex.assert_tree_shape_prefix(initial, (BATCH,))


@every_cell
def test_init_depends_on_the_key(cell: Cell) -> None:
    one, same, other = (cell.init(jax.random.key(n), INPUTS) for n in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, one, same)
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


@every_split_cell
def test_step_is_the_composition_of_its_parts(cell: SplitCell) -> None:
    params, xs, state, *_ = draw(cell, {"state"})
    zx = cell.project(params, xs[0])
    zh = cell.recur(params, cell.feedback(state))
    after = cell.activate(params, state, zx, zh)
    assert_close(
        cell.step(params, state, xs[0]), (after, cell.output(params, after)), CLOSE["float32"]
    )


@every_split_cell
def test_project_and_output_serve_a_whole_sequence_at_once(cell: SplitCell) -> None:
    params, xs, state, *_ = draw(cell, {"state"})
    at_once = cell.project(params, xs)
    states = normal(np.random.default_rng(2), jax.tree.map(lambda s: np.stack([s] * 5), state))
    shown = cell.output(params, states)
    for t in range(5):
        assert_close(at_once[t], cell.project(params, xs[t]), CLOSE["float32"])
        now = jax.tree.map(lambda leaf, t=t: leaf[t], states)
        assert_close(shown[t], cell.output(params, now), CLOSE["float32"])


@every_split_cell
def test_recur_is_linear(cell: SplitCell) -> None:
    params, _, state, *_ = draw(cell, {"state"})
    a = cell.feedback(state)
    b = normal(np.random.default_rng(3), a)
    together = cell.recur(params, 2 * a - b)
    apart = 2 * cell.recur(params, a) - cell.recur(params, b)
    assert_close(together, apart, CLOSE["float32"])
    assert not cell.recur(params, np.zeros_like(a)).any()
