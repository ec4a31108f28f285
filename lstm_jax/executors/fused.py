"""Fast gradients: a derivative of the whole loop that forms weight gradients in large products.

JAX's own derivative of a scan carries the weight gradient through the reverse loop and adds to it
at every step. Here the time axis is cut into chunks, and for each chunk

    forward    zx of all its steps in one product; the loop keeps the state and the pullback of
               `activate` of every step
    backward   the loop applies the pullbacks in reverse and keeps the gradients of zx and zh;
               the weight gradients are then one product each

Where a step is small, the loop keeps the state alone, and the pullbacks of a chunk are made again
from its states, all at once.

It works for any cell that splits, without a derivative written by hand: what `jax.vjp` of
`activate` returns is a pytree, so a loop can stack it and another one consume it. Memory is that
of the states and pullbacks, T times, as for `scan`. Reverse mode only.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lstm_jax import sequence
from lstm_jax.cells import Cell, SplitCell
from lstm_jax.checks import Size
from lstm_jax.dependence import leaves_read, replaced
from lstm_jax.executors.base import Executor, Inputs, Request

ROWS = 1024
"""Rows of a chunk's products, steps times sequences: enough that adding a product to a weight
gradient costs little beside the product, few enough that its operands stay in cache."""

FORWARD_SIZE = 2**18
"""Numbers in a chunk's zx: what is written ahead of the loop and read within it stays in cache."""


SMALL_STEP = 512
"""Numbers in a step's zx up to which pullbacks are made again: storing each costs more there than
making all of a chunk at once, and less from about twice as many on."""


class Plan(NamedTuple):
    """How the time axis is worked through."""

    forward: int
    """Steps whose products are made at once."""
    backward: int
    """The same, in reverse."""
    remakes: bool
    """Whether pullbacks are made again and not kept."""


@dataclasses.dataclass(frozen=True)
class Fused(Executor):
    """Fast gradients in reverse mode, for any cell whose step splits.

    Args:
        chunk: steps whose products are made at once; left out, as many as stay in a core's cache.
    """

    drawback = "it has reverse mode alone"

    chunk: Size | None = None

    def unsupported(self, request: Request) -> str | None:
        if not request.cell.splits:
            return "its step does not split into project, recur and activate"
        return super().unsupported(request)

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        assert isinstance(cell, SplitCell)
        steps, batch, _ = inputs.xs.shape
        numbers = sum(leaf.size for leaf in jax.tree.leaves(_first_zx(cell, params, inputs)))
        rows = min(ROWS, FORWARD_SIZE * batch // max(numbers, 1))
        plan = Plan(
            forward=self.chunk or chunk_length(steps, batch, rows),
            backward=self.chunk or chunk_length(steps, batch, ROWS),
            remakes=numbers <= SMALL_STEP,
        )
        return _run(cell, plan, params, state, inputs)


def _first_zx(cell: SplitCell, params: Any, inputs: Inputs) -> Any:
    """The shapes of a step's zx."""
    now = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), inputs)
    return jax.eval_shape(lambda params, now: cell.project(params, now.x), params, now)


def chunk_length(steps: int, batch: int, rows: int) -> int:
    """About `rows` rows: within half of that either way, the length that leaves the shortest rest.

    >>> chunk_length(1000, 32, 1024), chunk_length(1000, 1, 1024), chunk_length(127, 32, 1024)
    (25, 1000, 42)
    """
    wanted = max(1, min(steps, rows // max(batch, 1)))
    near = range(-(-wanted // 2), min(max(steps, 1), wanted * 3 // 2) + 1)
    return min(near, key=lambda size: (steps % size, abs(size - wanted)))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _run(cell: SplitCell, plan: Plan, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
    def advance(state: Any, zx: Any, zh: Array) -> tuple[Any, None]:
        return cell.activate(params, state, zx, zh), None

    def show(states: Any, _: None) -> Any:
        return cell.output(params, states)

    final, ys = _advance(cell, plan.forward, params, state, inputs, advance, show)
    return final, sequence.silence(ys, inputs.mask)


def _forward(
    cell: SplitCell, plan: Plan, params: Any, state: Any, inputs: Inputs
) -> tuple[Any, Any]:
    own, activate = _with_own_params(cell, params, state, inputs)

    def advance(state: Any, zx: Any, zh: Array) -> tuple[Any, Callable]:
        return jax.vjp(activate, own, state, zx, zh)

    def keep(states: Any, pullbacks: Any) -> tuple[Any, Any]:
        return states, None if plan.remakes else pullbacks

    final, kept = _advance(cell, plan.forward, params, state, inputs, advance, keep)
    states, pullbacks = kept
    ys = sequence.silence(cell.output(params, states), inputs.mask)
    return (final, ys), (params, state, states, pullbacks, inputs)


def _advance(
    cell: SplitCell,
    size: int,
    params: Any,
    state: Any,
    inputs: Inputs,
    activate: Callable[[Any, Any, Array], tuple[Any, Any]],
    emit: Callable[[Any, Any], Any],
) -> tuple[Any, Any]:
    """The final state, and what `emit` makes of a chunk's states and of `activate`'s second."""
    initial = cell.initial_state(params, inputs.xs.shape[1])

    def advance(state: Any, step: tuple) -> tuple[Any, Any]:
        zx, keep, reset = step
        state = sequence.restart(state, initial, reset)
        new, beside = activate(state, zx, cell.recur(params, cell.feedback(state)))
        new = sequence.hold(state, new, keep)
        return new, (new, beside)

    def chunk(state: Any, part: Inputs) -> tuple[Any, Any]:
        zx = cell.project(params, part.x)
        state, emitted = jax.lax.scan(advance, state, (zx, part.mask, part.resets))
        return state, emit(*emitted)

    return sequence.over_chunks(chunk, state, inputs, size)


def _backward(
    cell: SplitCell, plan: Plan, saved: tuple, cotangents: tuple
) -> tuple[Any, Any, Inputs]:
    params, first, states, pullbacks, inputs = saved
    d_final, d_ys = cotangents
    initial, to_params = jax.vjp(lambda p: cell.initial_state(p, inputs.xs.shape[1]), params)
    before = jax.tree.map(lambda f, s: jnp.concatenate([f[None], s])[:-1], first, states)
    before = sequence.restart(before, initial, inputs.resets)
    own, activate = _with_own_params(cell, params, first, inputs)

    def fed(params: Any, state: Any) -> Array:
        return cell.recur(params, cell.feedback(state))

    def pullback(state: Any, zx: Any, zh: Array) -> Callable:
        return jax.vjp(activate, own, state, zx, zh)[1]

    unfeed = _with_weights_turned(jax.vjp(functools.partial(fed, params), first)[1])

    def chunk(carry: tuple, part: tuple) -> tuple[tuple, Array]:
        d_state, d_initial, d_own, d_params = carry
        before, after, pullbacks, inputs, d_ys = part
        zx, project = jax.vjp(
            lambda p, xs: cell.project(p, inputs._replace(xs=xs).x), params, inputs.xs
        )
        zh, recur = jax.vjp(lambda p: fed(p, before), params)
        if plan.remakes:
            pullbacks = jax.vmap(pullback)(before, zx, zh)
        _, output = jax.vjp(cell.output, params, after)
        d_params_y, d_after = output(sequence.silence(d_ys, inputs.mask))
        (d_state, d_initial, d_own), (d_zx, d_zh) = _retreat(
            unfeed,
            (d_state, d_initial, d_own),
            (d_after, pullbacks, inputs.mask, inputs.resets),
        )
        d_params_x, d_xs = project(d_zx)
        (d_params_h,) = recur(d_zh)
        d_params = _add(d_params, d_params_x, d_params_h, d_params_y)
        return (d_state, d_initial, d_own, d_params), d_xs

    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    carry = (d_final, zeros(initial), zeros(own), zeros(params))
    steps = (before, states, pullbacks, inputs, d_ys)
    (d_first, d_initial, d_own, d_params), d_xs = sequence.over_chunks(
        chunk, carry, steps, plan.backward, reverse=True
    )
    d_params = _add(d_params, *to_params(d_initial), replaced(zeros(params), d_own))
    return d_params, d_first, Inputs(d_xs)


_run.defvjp(_forward, _backward)


def _retreat(unfeed: Callable[[Array], Any], carry: tuple, steps: tuple) -> tuple[tuple, tuple]:
    """The reverse loop over a chunk; `unfeed` is the transpose of the recurrent product."""
    shared = False

    def retreat(carry: tuple, step: tuple) -> tuple[tuple, tuple]:
        nonlocal shared
        d_state, d_initial, d_own = carry
        d_after, pullback, keep, reset = step
        d_state = _add(d_state, d_after)
        d_new = sequence.silence(d_state, keep)
        d_params, d_before, d_zx, d_zh = pullback(d_new)
        shared = d_zh is d_zx  # as where zx and zh are only ever added: then stored once
        d_before = _add(d_before, *unfeed(d_zh))
        if keep is not None:
            d_before = _add(d_before, sequence.silence(d_state, ~keep))
        if reset is not None:
            d_initial = _add(d_initial, sequence.silence(d_before, reset))
            d_before = sequence.silence(d_before, ~reset)
        return (d_before, d_initial, _add(d_own, d_params)), (d_zx, None if shared else d_zh)

    carry, (d_zx, d_zh) = jax.lax.scan(retreat, carry, steps, reverse=True)
    return carry, (d_zx, d_zx if shared else d_zh)


def _with_weights_turned(pullback: Callable) -> Callable:
    """The same pullback, its matrices transposed in memory before the loop and not within it.

    A product with the transpose of weights as they lie is up to half as fast on a CPU where the
    batch is small; the compiler folds the second transpose here into the product. What else has
    two axes, as the masks of a recurrent dropout, is turned and turned back, which costs little.
    """
    leaves, tree = jax.tree.flatten(pullback)
    turned = jax.lax.optimization_barrier([leaf.T if leaf.ndim == 2 else leaf for leaf in leaves])

    def call(cotangent: Array) -> Any:
        back = [leaf.T if leaf.ndim == 2 else leaf for leaf in turned]
        return jax.tree.unflatten(tree, back)(cotangent)

    return call


Own = dict[int, Array]
"""The parameters that `activate` reads, as peepholes, by their place among the leaves."""


def _with_own_params(
    cell: SplitCell, params: Any, state: Any, inputs: Inputs
) -> tuple[Own, Callable]:
    """Those parameters, and `activate` as a function of them."""
    zx = _first_zx(cell, params, inputs)
    zh = jax.eval_shape(lambda p, s: cell.recur(p, cell.feedback(s)), params, state)
    leaves = jax.tree.leaves(params)
    own = {n: leaves[n] for n in leaves_read(cell.activate, params, state, zx, zh)}

    def activate(own: Own, state: Any, zx: Any, zh: Array) -> Any:
        return cell.activate(replaced(params, own), state, zx, zh)

    return own, activate


def _add(*trees: Any) -> Any:
    return jax.tree.map(lambda *leaves: functools.reduce(jnp.add, leaves), *trees)
