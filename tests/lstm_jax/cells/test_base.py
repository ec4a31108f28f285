"""What every cell promises: settings that `jit` can take, and a step that splits in parts."""

import dataclasses
import functools
import pickle
from typing import Any, Literal

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax import LSTM, Chrono, Zoneout, unroll
from lstm_jax.cells import Cell, SplitCell
from tests import reference
from tests.cases import BATCH, CASES, HIDDEN, INPUTS, KINDS, WRAPPED, draw, normal
from tests.tolerances import CLOSE, Tolerance, assert_close

EXACT = Tolerance(relative=0, absolute=0)

ALL = {case: cell for case, (cell, _) in CASES.items()} | WRAPPED
GATED = {case: cell for case, (cell, _) in CASES.items() if cell.gating is not None}
SPLIT = {case: cell for case, cell in ALL.items() if cell.splits}
ONE_OF_A_KIND = {case: ALL[case] for case in ["lstm", *KINDS, *WRAPPED]}
every_cell = pytest.mark.parametrize("cell", ALL.values(), ids=ALL)
every_kind = pytest.mark.parametrize("cell", ONE_OF_A_KIND.values(), ids=ONE_OF_A_KIND)
every_split_cell = pytest.mark.parametrize("cell", SPLIT.values(), ids=SPLIT)


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
    chex.assert_trees_all_equal_shapes(initial, state, advanced)
    chex.assert_tree_shape_prefix(initial, (BATCH,))


@pytest.mark.few(8)
@every_kind
def test_init_depends_on_the_key(cell: Cell) -> None:
    init = jax.jit(lambda key: cell.init(key, INPUTS))
    one, same, other = (init(jax.random.key(n)) for n in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, one, same)
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    assert any((a != b).any() for a, b in pairs)


@every_cell
@pytest.mark.parametrize("stored", ["bfloat16", "float16", "float32", "float64"])
def test_a_state_has_the_type_of_the_parameters_and_float32_at_least(
    cell: Cell, stored: str, float64: None
) -> None:
    params = jax.eval_shape(
        lambda key: cell.init(key, INPUTS, jnp.dtype(stored)), jax.random.key(0)
    )
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(params)} == {stored}
    state = jax.eval_shape(lambda params: cell.initial_state(params, BATCH), params)
    wide = stored if stored in ("float32", "float64") else "float32"
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} == {wide}


@pytest.mark.few(4)
@pytest.mark.parametrize("case", ["lstm", "gru", "elman", "lstm1997", "fgr", "lstmp"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_products_round_their_operands_and_nothing_else(
    case: str, dtype: Literal["bfloat16", "float16", "float32"]
) -> None:
    """Sums of products of rounded operands are as of float32."""
    exact: Any = CASES[case][0]
    cell = dataclasses.replace(exact, dtype=dtype)
    call = draw(cell, {"state"}, batch=64)

    def rounded(tree: Any) -> Any:
        return jax.tree.map(lambda a: jnp.asarray(a).astype(dtype).astype("float32"), tree)

    params = rounded(call.params)._replace(b=call.params.b)
    r = cell.feedback(call.state)
    assert_close(
        cell.project(call.params, call.xs),
        exact.project(params, rounded(call.xs)),
        CLOSE["float32"],
    )
    if case != "lstmp":  # whose recurrent part is a product of a product
        assert_close(cell.recur(call.params, r), exact.recur(params, rounded(r)), CLOSE["float32"])
    step = cell.step(call.params, call.state, call.xs[0])
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(step)} == {"float32"}


@given(
    shape=st.sampled_from([(0, 3, 4), (1, 4, 16), (4, 8, 32), (8, 8, 32), (9, 8, 32), (3, 40, 5)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_product_is_one_whether_as_sums_or_not(shape: tuple[int, int, int], seed: int) -> None:
    """To both sides of SMALL_PRODUCT multiplications, with its gradients."""
    rows, inputs, outputs = shape
    generator = np.random.default_rng(seed)
    x, w, d = (
        generator.normal(size=size) for size in ((rows, inputs), (inputs, outputs), (rows, outputs))
    )
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(LSTM(1).product, jnp.asarray(x), jnp.asarray(w))
        found = y, *pull_back(jnp.asarray(d))
    assert_close(found, (x @ w, d @ w.T, x.T @ d), CLOSE["float64"])


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
    assert not np.asarray(cell.recur(params, jnp.zeros_like(a))).any()


def test_the_error_of_bfloat16_products_does_not_grow_with_the_steps() -> None:
    """Over 1000 steps of units that forget little, which a state in bfloat16 would lose.

    Errors are shares of the largest cell state, or of a step's largest gradient.
    """
    exact = LSTM(32, bias=Chrono(1000))
    mixed = dataclasses.replace(exact, dtype="bfloat16")
    params = exact.init(jax.random.key(0), INPUTS)
    xs = jax.random.normal(jax.random.key(1), (1000, 8, INPUTS))

    def cell_states(cell: LSTM, xs: jax.Array) -> jax.Array:
        return unroll(cell, params, xs, return_states=True)[2].c

    def rounded(state: Any, x: jax.Array) -> tuple[Any, jax.Array]:
        state, _ = mixed.step(params, state, x)
        state = jax.tree.map(lambda leaf: leaf.astype("bfloat16").astype("float32"), state)
        return state, state.c

    def growth(found: jax.Array, expected: jax.Array) -> float:
        error = np.abs(np.asarray(found - expected)).max(axis=(1, 2))
        return float(error[-200:].max() / error[100:300].max())

    wanted = cell_states(exact, xs)
    found = cell_states(mixed, xs)
    assert 0 < np.abs(found - wanted).max() < 0.01 * np.abs(wanted).max()
    assert growth(found, wanted) < 3
    lost = jax.lax.scan(rounded, exact.initial_state(params, 8), xs)[1]
    assert growth(lost, wanted) > 5

    def slope(cell: LSTM) -> jax.Array:
        return jax.grad(lambda xs: jnp.sum(cell_states(cell, xs)[-1]))(xs)

    largest = np.abs(slope(exact)).max(axis=(1, 2))
    assert np.all(np.abs(slope(mixed) - slope(exact)).max(axis=(1, 2)) < 0.05 * largest)


def one_step(cell: Cell) -> tuple[Any, Any, jax.Array]:
    """Random parameters, state and input of a step."""
    call = draw(cell)
    params = jax.tree.map(jnp.asarray, call.params)
    state = normal(np.random.default_rng(1), cell.initial_state(params, BATCH), scale=0.7)
    return params, state, jnp.asarray(call.xs[0])


@every_cell
def test_a_step_that_tells_its_gates_is_the_same_step(cell: Cell) -> None:
    params, state, x = one_step(cell)
    told, gates = cell.advance_gated(params, state, x)
    assert_close(told, cell.advance(params, state, x), CLOSE["float32"])
    names = () if cell.gating is None else (*cell.gating.gates, cell.gating.candidate)
    assert set(gates) == set(names)


@pytest.mark.parametrize("cell", GATED.values(), ids=GATED)
def test_the_memory_is_what_the_gates_say(cell: Cell) -> None:
    """Also where some of them are held."""
    params, state, x = one_step(cell)
    memory = cell.gating.memory
    before = np.float64(getattr(state, memory))
    width = before.shape[-1]
    held = np.float32(np.random.default_rng(2).random((len(cell.gating.gates), width)))
    each = dict(zip(cell.gating.gates, held, strict=True))
    for held_gates in ({}, *({name: value} for name, value in each.items()), each):
        after, gates = cell.advance_gated(params, state, x, held_gates)
        value = {name: np.float64(gate) for name, gate in gates.items()}
        for name, held in held_gates.items():
            assert_close(np.broadcast_to(value[name], before.shape), before * 0 + held, EXACT)
        for name in cell.gating.gates:
            assert ((value[name] >= 0) & (value[name] <= 1)).all()
        if memory == "h":
            expected = value["z"] * before + (1 - value["z"]) * value["n"]
        else:
            kept = value.get("f", 1.0)
            expected = kept * before + value.get("i", 1.0) * value["g"]
        assert_close(getattr(after, memory), expected, CLOSE["float32"])
        retained = np.float64(cell.retention(gates))
        assert_close(retained, np.float64(value.get("z" if memory == "h" else "f", 1.0)), EXACT)


def test_gates_are_those_of_the_equations() -> None:
    for case, names in {"lstm": "ifo", "gru": "rz"}.items():
        cell, kind = CASES[case]
        params, state, x = one_step(cell)
        _, gates = cell.advance_gated(params, state, x)
        told = kind(cell, reference.in_float64(params))
        h, x64 = np.float64(state.h), np.float64(x)
        for b in range(BATCH):
            for name in names:
                expected = reference.sigmoid(told.gate(name, x64[b], h[b]))
                assert_close(gates[name][b], expected, CLOSE["float32"])


def test_zoneout_keeps_what_its_gates_forget() -> None:
    params, state, x = one_step(LSTM(HIDDEN))
    cell = Zoneout(LSTM(HIDDEN), c=0.4, h=0.2)
    before = jax.jvp(
        lambda c: cell.advance(params, state._replace(c=c), x).c,
        (state.c,),
        (jnp.ones_like(state.c),),
    )[1]
    _, gates = cell.advance_gated(params, state, x)
    assert_close(cell.retention(gates), before, CLOSE["float32"])
