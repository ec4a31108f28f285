"""The front door: what it accepts, which executor it takes, and when it compiles.

What it computes is held to the reference in `executors/test_conformance.py`, and to its laws in
`executors/test_laws.py`; what it refuses is in `test_arguments.py`.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, LearnedState, choose_executor, unroll
from lstm_jax.cells import Cell
from lstm_jax.executors import EXECUTORS, Checkpointed, Executor, Fused, PallasTPU, Scan, asked_for
from tests.cases import HIDDEN, SERVING, STEPS, draw, outputs
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """The events of XLA compiling something."""
    counted: list[str] = []

    def listen(event: str, *_: object, **__: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            counted.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield counted
    jax.monitoring.unregister_event_duration_listener(listen)


def test_the_same_shapes_compile_once() -> None:
    run = jax.jit(lambda call: unroll(CELL, *call[:3], lengths=call.lengths))
    with compilations() as counted:
        run(draw(CELL, {"state", "lengths"}, seed=0))
    assert counted
    with compilations() as counted:
        run(draw(CELL, {"state", "lengths"}, seed=1))
    assert not counted


def test_the_same_shapes_compile_once_without_jit() -> None:
    calls = [jax.tree.map(jnp.asarray, draw(CELL, seed=seed)) for seed in (0, 1)]
    unroll(CELL, *calls[0][:2])
    with compilations() as counted:
        unroll(CELL, *calls[1][:2])
    assert not counted


def test_without_jit_the_numbers_are_the_same() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, {"state", "lengths", "resets"}))
    given = {"lengths": call.lengths, "resets": call.resets, "reverse": True}
    eager = unroll(CELL, call.params, call.xs, call.state, **given)
    assert_close(eager, outputs(call, cell=CELL, reverse=True), CLOSE["float32"])


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_under_jit_lengths_out_of_range_count_as_clipped(reverse: bool) -> None:
    call = draw(CELL, {"state"})
    wild = np.array([-2, STEPS + 3, 4, STEPS])
    found = outputs(call._replace(lengths=wild), cell=CELL, reverse=reverse)
    tame = outputs(call._replace(lengths=wild.clip(0, STEPS)), cell=CELL, reverse=reverse)
    chex.assert_trees_all_equal(found, tame)


@pytest.mark.parametrize("kind", ["int8", "int32"])
@pytest.mark.parametrize("word", ["x32", "x64"])
def test_lengths_may_be_any_integers(kind: str, word: str) -> None:
    """Even those that cannot count the steps."""
    call = draw(CELL, steps=300)._replace(lengths=np.array([100, 0, 127, 3]))
    with jax.enable_x64(word == "x64"):
        found = outputs(call._replace(lengths=call.lengths.astype(kind)), cell=CELL, reverse=True)
    assert_close(found, outputs(call, cell=CELL, reverse=True), CLOSE["float32"])


def test_narrower_inputs_are_computed_in_the_parameters_dtype() -> None:
    call = draw(CELL)
    narrow = call.xs.astype("float16")
    found = outputs(call._replace(xs=narrow), cell=CELL)
    wanted = outputs(call._replace(xs=narrow.astype("float32")), cell=CELL)
    chex.assert_trees_all_equal(found, wanted)


@pytest.mark.parametrize("name, given", [("lengths", [5, 0, 3, 1]), ("resets", [[True] * 4] * 5)])
def test_lists_are_as_good_as_arrays(name: str, given: list, bad_input: None) -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, steps=5))
    found = unroll(CELL, call.params, call.xs, **{name: given})
    wanted = unroll(CELL, call.params, call.xs, **{name: jnp.array(given)})
    chex.assert_trees_all_equal(found, wanted)


def test_auto_takes_the_first_that_serves_and_says_why_not_the_others() -> None:
    chosen = choose_executor(CELL)
    assert (chosen.name, chosen.executor) == next(iter(EXECUTORS.items()))
    assert chosen.others.keys() == EXECUTORS.keys() - {chosen.name}
    assert all(chosen.others.values())


def test_an_executor_of_ones_own_settings() -> None:
    chosen = choose_executor(CELL, Fused(chunk=7))
    assert (chosen.name, chosen.executor) == ("Fused(chunk=7)", Fused(chunk=7))
    assert chosen.others.keys() == EXECUTORS.keys() - {"fused"}


@pytest.mark.parametrize("executor", [Scan, 5, None])
def test_what_is_no_executor_is_refused(executor: Any) -> None:
    with pytest.raises(TypeError, match="executor must be a name such as 'scan'"):
        asked_for(executor)


every_executor = pytest.mark.parametrize("executor", SERVING)


@pytest.mark.few(2)
@every_executor
@pytest.mark.parametrize("window", [1, 5, STEPS, 100])
def test_truncation_carries_the_state_and_cuts_its_gradient(executor: str, window: int) -> None:
    """As a loop over pieces with `stop_gradient` between them; a learned beginning is taught."""
    cell = LearnedState(LSTM(HIDDEN))
    params, xs, *_ = jax.tree.map(jnp.asarray, draw(cell))

    def in_pieces(params: tuple, xs: jax.Array) -> tuple:
        state, ys = None, []
        for first in range(0, STEPS, window):
            state = jax.tree.map(jax.lax.stop_gradient, state)
            state, some = unroll(cell, params, xs[first : first + window], state)
            ys.append(some)
        return state, jnp.concatenate(ys)

    def at_once(params: tuple, xs: jax.Array) -> tuple:
        return unroll(cell, params, xs, truncate=window, executor=executor)

    def loss(run: Callable) -> Callable:
        def total(params: tuple, xs: jax.Array) -> jax.Array:
            state, ys = run(params, xs)
            return jnp.sum(jnp.sin(ys)) + jnp.sum(state.c * jnp.arange(HIDDEN, dtype=xs.dtype))

        return jax.jit(jax.value_and_grad(total, argnums=(0, 1)))

    assert_close(loss(at_once)(params, xs), loss(in_pieces)(params, xs), CLOSE["float32"])


@pytest.mark.few(2)
@every_executor
@pytest.mark.parametrize("reverse", [True, False], ids=["reverse", "forward"])
def test_all_states_are_those_that_stepping_goes_through(executor: str, reverse: bool) -> None:
    """In input order; past its end a sequence keeps its last one, whose gradient it shares."""
    call = jax.tree.map(jnp.asarray, draw(LSTM(HIDDEN), {"state", "lengths"}))
    options = {"lengths": call.lengths, "reverse": reverse, "executor": executor}
    final, ys, states = unroll(CELL, *call[:3], **options, return_states=True)
    assert_close((final, ys), unroll(CELL, *call[:3], **options), CLOSE["float32"])
    for b, length in enumerate(call.lengths.tolist()):
        state = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], call.state)
        for t in reversed(range(length)) if reverse else range(length):
            state, _ = CELL.step(call.params, state, call.xs[t, b : b + 1])
            now = jax.tree.map(lambda leaf, t=t, b=b: leaf[t, b : b + 1], states)
            assert_close(now, state, CLOSE["float32"])
        assert (states.c[length:, b] == final.c[b]).all()

    def of_padding(xs: jax.Array) -> jax.Array:
        *_, states = unroll(CELL, call.params, xs, call.state, **options, return_states=True)
        padding = jnp.arange(STEPS)[:, None] >= call.lengths
        return jnp.sum(jnp.where(padding[..., None], states.c, 0.0))

    def of_final(xs: jax.Array) -> jax.Array:
        final, _ = unroll(CELL, call.params, xs, call.state, **options)
        return jnp.sum(final.c * (STEPS - call.lengths)[:, None].astype(xs.dtype))

    assert_close(jax.grad(of_padding)(call.xs), jax.grad(of_final)(call.xs), CLOSE["float32"])


@pytest.mark.few(3)
@every_executor
@pytest.mark.parametrize("cell", [LSTM(HIDDEN), GRU(HIDDEN)], ids=["lstm", "gru"])
def test_parameters_in_few_bits_are_computed_with_in_float32(cell: Cell, executor: str) -> None:
    """And their gradients are added up there: rounded once, at the end."""
    params, xs, *_ = jax.tree.map(jnp.asarray, draw(cell))
    few = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), few)

    def loss(params: tuple) -> jax.Array:
        return jnp.sum(jnp.sin(unroll(cell, params, xs, executor=executor)[1]))

    state, ys = unroll(cell, few, xs, executor=executor)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((state, ys))} == {"float32"}
    chex.assert_trees_all_equal(ys, unroll(cell, wide, xs, executor=executor)[1])
    rounded = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), jax.grad(loss)(wide))
    chex.assert_trees_all_equal(jax.grad(loss)(few), rounded)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_dtype_is_that_of_products_alone(dtype: str) -> None:
    """Rounded operands, exact otherwise: as with weights, inputs and states rounded by hand."""
    cell = LSTM(HIDDEN, dtype=dtype)
    params, xs, state, *_ = jax.tree.map(jnp.asarray, draw(cell, {"state"}))

    def rounded(values: jax.Array) -> jax.Array:
        return values.astype(dtype).astype(jnp.float32)

    by_hand = params._replace(w_x=rounded(params.w_x), w_h=rounded(params.w_h))
    for x in xs[:3]:
        found, _ = cell.step(params, state, x)
        seen = state._replace(h=rounded(state.h))
        expected, _ = LSTM(HIDDEN).step(by_hand, seen, rounded(x))
        assert_close(found, expected, CLOSE["float32"])
        state = found


XS = jnp.ones((5, 2, 2))

FORWARD_MODE: dict[str, Callable[[Callable], Any]] = {
    "jvp": lambda f: jax.jvp(f, (XS,), (XS,)),
    "jvp under vmap": lambda f: jax.vmap(lambda xs: jax.jvp(f, (xs,), (xs,)))(XS[None]),
    "jacfwd": lambda f: jax.jacfwd(f)(XS),
    "jacfwd under jit": lambda f: jax.jit(jax.jacfwd(f))(XS),
}


ALONE = [Fused(), Fused(chunk=2), Checkpointed(), PallasTPU(interpret=True)]


@pytest.mark.parametrize("executor", ALONE, ids=str)
@pytest.mark.parametrize("asked", FORWARD_MODE)
def test_forward_mode_is_refused_by_executors_without_it(asked: str, executor: Executor) -> None:
    params = CELL.init(jax.random.key(0), 2)

    def total(xs: jax.Array) -> jax.Array:
        return unroll(CELL, params, xs, executor=executor)[1].sum()

    with pytest.raises(
        TypeError, match=rf"executor {executor.__class__.__name__}\(.* reverse mode"
    ):
        FORWARD_MODE[asked](total)


def test_forward_mode_under_jit_is_refused_where_it_is_compiled() -> None:
    params = CELL.init(jax.random.key(0), 2)

    def total(xs: jax.Array) -> jax.Array:
        return unroll(CELL, params, xs, executor="fused")[1].sum()

    with pytest.raises(TypeError, match="forward-mode"):
        jax.jit(lambda xs: jax.jvp(total, (xs,), (xs,)))(XS)


@pytest.mark.few(1)
@pytest.mark.parametrize("executor", ["fused", "checkpointed"])
def test_reverse_mode_passes_through_every_transformation(executor: str) -> None:
    params = CELL.init(jax.random.key(0), 2)

    def total(xs: jax.Array, executor: str = executor) -> jax.Array:
        return unroll(CELL, params, xs, executor=executor)[1].sum()

    expected = jax.grad(total)(XS, "scan")
    ways: list[Callable] = [
        jax.jit(jax.grad(total)),
        jax.grad(jax.checkpoint(total)),
        lambda xs: jax.vmap(jax.grad(total))(xs[None])[0],
        lambda xs: jax.grad(lambda many: jax.vmap(total)(many).sum())(xs[None])[0],
        lambda xs: jax.grad(lambda xs: jax.lax.map(total, xs[None]).sum())(xs),
    ]
    for way in ways:
        assert_close(way(XS), expected, CLOSE["float32"])


@pytest.mark.parametrize("second", [jax.hessian, lambda f: jax.jacrev(jax.grad(f))])
def test_second_derivatives_are_refused_by_kernels(second: Callable) -> None:
    params = CELL.init(jax.random.key(0), 2)

    def total(xs: jax.Array) -> jax.Array:
        return jnp.sum(unroll(CELL, params, xs, executor=PallasTPU(interpret=True))[1] ** 2)

    with pytest.raises(TypeError, match="'pallas_tpu' has first derivatives alone"):
        second(total)(XS)
