"""Fast gradients: a derivative of the whole loop that forms weight gradients in large products.

JAX's own derivative of a scan carries the weight gradient through the reverse loop and adds to it
at every step. Here the time axis is cut into chunks, and for each chunk

    forward    zx of all its steps in one product; the loop keeps nothing but the states
    backward   zx and zh of all its steps again, in one product each; the loop emits only the
               gradients of the pre-activations; the weight gradients are one product each

It works for any cell that splits, without a derivative written by hand: `jax.vjp` of `activate`
under `jax.vmap` returns its pullbacks for a whole chunk as a pytree, which the reverse loop
consumes a step at a time. Memory is that of the states, T times. Reverse mode only.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lstm_jax import sequence
from lstm_jax.cells import Cell, SplitCell
from lstm_jax.checks import Size
from lstm_jax.executors.base import Executor, Inputs, Request

CHUNKS = range(8, 21)
"""Lengths of a chunk: long enough for large products, short enough to stay in cache."""


@dataclasses.dataclass(frozen=True)
class Fused(Executor):
    """Fast gradients: weight gradients in large products; any cell that splits.

    Args:
        chunk: steps whose products are made at once; left out, the number that divides T best.
    """

    drawback = "reverse mode alone"

    chunk: Size | None = None

    def unsupported(self, request: Request) -> str | None:
        if not request.cell.splits:
            return "its step does not split into project, recur and activate"
        return None

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        assert isinstance(cell, SplitCell)
        size = self.chunk or chunk_length(len(inputs.xs))
        return _run(cell, size, params, state, inputs)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _run(cell: SplitCell, size: int, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
    def show(state: Any) -> Any:
        return cell.output(params, state)

    final, ys = _advance(cell, size, params, state, inputs, emit=show)
    return final, sequence.silence(ys, inputs.mask)


def _forward(
    cell: SplitCell, size: int, params: Any, state: Any, inputs: Inputs
) -> tuple[Any, Any]:
    final, states = _advance(cell, size, params, state, inputs, emit=lambda state: state)
    ys = sequence.silence(cell.output(params, states), inputs.mask)
    return (final, ys), (params, state, states, inputs)


def _advance(
    cell: SplitCell, size: int, params: Any, state: Any, inputs: Inputs, emit: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """The final state, and what `emit` takes of the state after every step."""
    initial = cell.initial_state(params, inputs.xs.shape[1])

    def advance(state: Any, step: tuple) -> tuple[Any, Any]:
        zx, keep, reset = step
        state = sequence.restart(state, initial, reset)
        new = cell.activate(params, state, zx, cell.recur(params, cell.feedback(state)))
        new = sequence.hold(state, new, keep)
        return new, emit(new)

    def chunk(state: Any, part: Inputs) -> tuple[Any, Any]:
        zx = cell.project(params, part.x)
        return jax.lax.scan(advance, state, (zx, part.mask, part.resets))

    return sequence.over_chunks(chunk, state, inputs, size)


def _backward(
    cell: SplitCell, size: int, saved: tuple, cotangents: tuple
) -> tuple[Any, Any, Inputs]:
    params, first, states, inputs = saved
    d_final, d_ys = cotangents
    initial, to_params = jax.vjp(lambda p: cell.initial_state(p, inputs.xs.shape[1]), params)
    before = jax.tree.map(lambda f, s: jnp.concatenate([f[None], s])[:-1], first, states)
    before = sequence.restart(before, initial, inputs.resets)

    def fed(params: Any, state: Any) -> Array:
        return cell.recur(params, cell.feedback(state))

    def chunk(carry: tuple, part: tuple) -> tuple[tuple, Array]:
        d_state, d_initial, d_params = carry
        before, after, inputs, d_ys = part
        zx, project = jax.vjp(
            lambda p, xs: cell.project(p, inputs._replace(xs=xs).x), params, inputs.xs
        )
        zh, recur = jax.vjp(lambda p: fed(p, before), params)
        _, output = jax.vjp(cell.output, params, after)
        d_params_y, d_after = output(sequence.silence(d_ys, inputs.mask))
        pullbacks = jax.vmap(functools.partial(_pullback, cell, params))(before, zx, zh)
        (d_state, d_initial), (d_zx, d_zh, d_new) = _retreat(
            jax.vjp(functools.partial(fed, params), first)[1],
            (d_state, d_initial),
            (d_after, pullbacks, inputs.mask, inputs.resets),
        )
        d_params_x, d_xs = project(d_zx)
        (d_params_h,) = recur(d_zh)
        d_params = _add(d_params, d_params_x, d_params_h, d_params_y)
        if _activate_reads(cell, params, before, zx, zh):
            each = jax.vmap(cell.activate, (None, 0, 0, 0))
            _, activate = jax.vjp(lambda p: each(p, before, zx, zh), params)
            d_params = _add(d_params, *activate(d_new))
        return (d_state, d_initial, d_params), d_xs

    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    carry = (d_final, zeros(initial), zeros(params))
    steps = (before, states, inputs, d_ys)
    (d_first, d_initial, d_params), d_xs = sequence.over_chunks(
        chunk, carry, steps, size, reverse=True
    )
    return _add(d_params, *to_params(d_initial)), d_first, Inputs(d_xs, None, None, None)


_run.defvjp(_forward, _backward)


def _pullback(cell: SplitCell, params: Any, *step: Any) -> Callable:
    """From the cotangent of a step's new state to those of its old state, zx and zh."""
    return jax.vjp(functools.partial(cell.activate, params), *step)[1]


def _retreat(unfeed: Callable[[Array], Any], carry: tuple, steps: tuple) -> tuple[tuple, tuple]:
    """The reverse loop over a chunk; `unfeed` is the transpose of the recurrent product."""
    shared = False

    def retreat(carry: tuple, step: tuple) -> tuple[tuple, tuple]:
        nonlocal shared
        d_state, d_initial = carry
        d_after, pullback, keep, reset = step
        d_state = _add(d_state, d_after)
        d_new = sequence.silence(d_state, keep)
        d_before, d_zx, d_zh = pullback(d_new)
        shared = d_zh is d_zx  # as where zx and zh are only ever added: then stored once
        d_before = _add(d_before, *unfeed(d_zh))
        if keep is not None:
            d_before = _add(d_before, sequence.silence(d_state, ~keep))
        if reset is not None:
            d_initial = _add(d_initial, sequence.silence(d_before, reset))
            d_before = sequence.silence(d_before, ~reset)
        return (d_before, d_initial), (d_zx, None if shared else d_zh, d_new)

    carry, (d_zx, d_zh, d_new) = jax.lax.scan(retreat, carry, steps, reverse=True)
    return carry, (d_zx, d_zx if shared else d_zh, d_new)


def chunk_length(steps: int) -> int:
    """The length that leaves the shortest rest, the longest of equals.

    >>> chunk_length(1100), chunk_length(127), chunk_length(5)
    (20, 18, 20)
    """
    return min(CHUNKS, key=lambda size: (steps % size, -size))


def _add(*trees: Any) -> Any:
    return jax.tree.map(lambda *leaves: functools.reduce(jnp.add, leaves), *trees)


def _activate_reads(cell: SplitCell, params: Any, *steps: Any) -> bool:
    """Whether `activate` depends on the parameters, as peepholes do."""
    step = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), steps)
    jaxpr = jax.make_jaxpr(cell.activate)(params, *step).jaxpr
    own = {id(variable) for variable in jaxpr.invars[: len(jax.tree.leaves(params))]}
    return any(id(variable) in own for equation in jaxpr.eqns for variable in equation.invars)
