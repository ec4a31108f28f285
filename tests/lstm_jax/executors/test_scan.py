"""`scan` is the executor that every transformation of JAX works through, for every cell."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.cells import LSTM, Cell
from lstm_jax.executors import Inputs, Request, Scan
from tests import reference
from tests.cases import CASES, HIDDEN, KINDS, OPTIONS, Call, cotangents, draw, normal, outputs
from tests.tolerances import CLOSE, FINITE_DIFFERENCE, assert_close

Problem = tuple[Call, Any, Callable[[Any], jax.Array]]
every_cell = pytest.mark.parametrize("case", CASES)
every_kind = pytest.mark.parametrize("case", ["lstm", *KINDS])


def inner(a: Any, b: Any) -> jax.Array:
    """The inner product of two trees."""
    return jax.tree.reduce(jnp.add, jax.tree.map(jnp.vdot, a, b))


def weighted_sum(cell: Cell, call: Call, weights: Any) -> Callable[[Any], jax.Array]:
    """A scalar of the parameters: every number returned, each with its weight."""

    def loss(params: Any) -> jax.Array:
        given = call._replace(params=params)
        return inner(weights, outputs(given, cell=cell, executor="scan", reverse=True))

    return loss


@pytest.fixture
def problem(float64: None, case: str) -> Problem:
    """A call, random weights of all that it returns, and their sum to differentiate."""
    cell, _ = CASES[case]
    call = jax.tree.map(jnp.asarray, draw(cell, OPTIONS["all"], dtype="float64"))
    weights = cotangents(cell, call)
    return call, weights, weighted_sum(cell, call, weights)


@pytest.mark.few(4)
@every_kind
def test_forward_mode_equals_reverse_mode(problem: Problem, case: str) -> None:
    call, _, loss = problem
    direction = normal(np.random.default_rng(5), call.params)
    _, forward = jax.jit(lambda p, v: jax.jvp(loss, (p,), (v,)))(call.params, direction)
    backward = inner(jax.jit(jax.grad(loss))(call.params), direction)
    assert_close(forward, backward, CLOSE["float64"])


@pytest.mark.few(4)
@every_kind
@pytest.mark.parametrize("outer", ["forward", "reverse"])
def test_second_derivatives_are_slopes_of_the_reference(
    problem: Problem, case: str, outer: str
) -> None:
    call, weights, loss = problem
    direction = normal(np.random.default_rng(6), call.params)

    def twice(params: Any, v: Any) -> Any:
        if outer == "forward":
            return jax.jvp(jax.grad(loss), (params,), (v,))[1]
        return jax.grad(lambda p: inner(jax.grad(loss)(p), v))(params)

    def gradient(step: float) -> Any:
        params = jax.tree.map(lambda p, v: p + step * v, call.params, direction)
        arrays: Any = jax.tree.map(np.asarray, call._replace(params=params))
        _, pull_back = reference.unroll(*CASES[case], *arrays, reverse=True)
        return pull_back(*weights)[0]

    step = 1e-4
    near, far = ([gradient(side * width) for side in (1, -1)] for width in (step, 2 * step))
    slope = jax.tree.map(lambda a, b, c, d: (8 * (a - b) - (c - d)) / (12 * step), *near, *far)
    assert_close(jax.jit(twice)(call.params, direction), slope, FINITE_DIFFERENCE)


@pytest.mark.few(2)
@every_kind
def test_leaves_no_tracer_behind(case: str, checking_leaks: None) -> None:
    cell, _ = CASES[case]
    call = jax.tree.map(jnp.asarray, draw(cell, OPTIONS["all"], steps=3))
    loss = weighted_sum(cell, call, cotangents(cell, call))
    jax.jit(jax.value_and_grad(loss))(call.params)


@every_cell
def test_serves_every_cell(case: str) -> None:
    assert Scan().unsupported(Request(CASES[case][0], "cpu")) is None


def test_a_mask_without_ends_and_resets_without_a_reset_change_nothing() -> None:
    cell = LSTM(HIDDEN)
    params, xs, state, *_ = jax.tree.map(jnp.asarray, draw(cell, {"state"}))
    everywhere = jnp.ones(xs.shape[:2], bool)
    plain = Scan().run(cell, params, state, Inputs(xs))
    full = Scan().run(cell, params, state, Inputs(xs, mask=everywhere, resets=~everywhere))
    assert_close(full, plain, CLOSE["float32"])
