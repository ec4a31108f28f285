"""The backward kernel: from the last block of time to the first, without a derivative by hand.

For each block, zh of all its steps again, in few products; then, a step at a time from the last,
the derivative that JAX takes of the step, and the transpose of the recurrent product. The
gradients of zx and zh come out; those of the weights are products over the whole sequence, and
not made here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jaxtyping import Array, Float

from lstm_jax import sequence
from lstm_jax.executors.pallas import forward
from lstm_jax.executors.pallas.launch import Cut, like, read, write
from lstm_jax.executors.pallas.step import RESTARTED, Loop, Step, down, product, step_of

ROWS = 256
"""Rows of a product for which the weights are loaded once; the code grows with them."""


class Reads(NamedTuple):
    """What the forward kernel read and found, and the gradients of what it gave."""

    weights: Float[Array, "H Z"]
    transposed: Float[Array, "Z H"]
    rest: Any
    state: Any
    zx: Float[Array, "T B Z"]
    flags: Float[Array, "T 1 B"] | None
    states: Any
    """After every step, (T, B, H)."""
    earlier: Any
    """The same, for the step before a block."""
    d_final: Any
    d_emitted: Any


class Gradients(NamedTuple):
    """With respect to what entered the loop, and to the recurrent product zh."""

    rest: Any
    state: Any
    zx: Float[Array, "T B Z"]
    zh: Float[Array, "T B Z"] | None
    """None where it is that of zx, as where the two are only ever added."""


def backward(
    loop: Loop,
    emit: Callable[[Any], Any],
    given: forward.Reads,
    states: Any,
    d_final: Any,
    d_emitted: Any,
) -> Gradients:
    """The gradients for `forward(loop, emit, given)`, `states` being those after every step."""
    steps, batch, width = given.zx.shape
    cut = Cut(loop, steps, batch, reverse=True)
    weights, rest, state, zx, flags = given
    reads = Reads(weights, weights.T, rest, state, zx, flags, states, states, d_final, d_emitted)
    d_zx = like(zx)
    shapes = Gradients(
        like(rest, cut.grid[0]), like(state), d_zx, None if _only_added(loop, given) else d_zx
    )

    def kernel(given: Reads, found: Gradients, zh: Any) -> None:
        @pl.when(pl.program_id(1) == 0)
        def _() -> None:
            write(found.state, read(given.d_final))
            write(found.rest, jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), like(rest)))

        is_first = pl.program_id(1) == cut.grid[1] - 1
        edge = _where(is_first, read(given.state), read(given.earlier))
        _products(loop, edge, given, zh)
        here = cut.steps_here()

        def retreat(count: Any, _: None) -> None:
            index = here - 1 - count
            step = step_of(loop, given.flags, index)
            before = _where(index == 0, edge, read(given.states, jnp.maximum(index - 1, 0)))
            zh_here = zh[index]
            if given.flags is not None:
                restarted = jnp.broadcast_to(down(given.flags[index]), zh_here.shape) >= RESTARTED
                zh_here = sequence.silence(zh_here, ~restarted)

            def run(*of: Any) -> tuple[Any, Any]:
                new = step.advance(*of)
                return new, emit(new)

            pull = jax.vjp(run, read(given.rest), before, given.zx[index], zh_here)[1]
            cotangents = read(found.state), read(given.d_emitted, index)
            d_rest, d_state, d_zx, d_zh = pull(cotangents)
            unfeed = jax.vjp(step.fed, before)[1]
            write(found.state, _add(d_state, *unfeed(product(d_zh, given.transposed[...]))))
            write(found.rest, _add(read(found.rest), d_rest))
            write(found.zx, d_zx, index)
            if found.zh is not None:
                write(found.zh, d_zh, index)

        jax.lax.fori_loop(0, here, retreat, None)

    by_step = cut.by_step(d_zx)
    blocks = Reads(
        cut.whole(weights),
        cut.whole(weights.T),
        cut.whole(rest),
        cut.by_batch(state),
        by_step,
        cut.flags(flags),
        cut.by_step(states),
        cut.just_before(states),
        cut.by_batch(d_final),
        cut.by_step(d_emitted),
    )
    found = Gradients(
        cut.one_each(shapes.rest),
        cut.by_batch(state),
        by_step,
        None if shapes.zh is None else by_step,
    )
    again = jax.ShapeDtypeStruct((loop.blocks.steps + 1, loop.blocks.batch, width), zx.dtype)
    gradients = cut.launch(
        kernel, "recurrence_backward", (reads, blocks), (shapes, found), (again,), products=2
    )
    return gradients._replace(rest=jax.tree.map(lambda a: a.sum(0), gradients.rest))


def _products(loop: Loop, edge: Any, given: Reads, zh: Any) -> None:
    """Fill zh (steps + 1, B, Z), the last of no use: of the state at the edge, then of the rest."""
    batch, steps, units = loop.blocks
    group = min(steps, max(1, ROWS // batch))
    group = 1 << (group.bit_length() - 1)
    feedback = loop.dense.feedback
    zh[0] = product(feedback(edge), given.weights[...])

    def several(count: Any, _: None) -> None:
        first = count * group
        r = feedback(read(given.states, pl.ds(first, group))).reshape(group * batch, units)
        z = product(r, given.weights[...])
        zh[pl.ds(first + 1, group)] = z.reshape(group, batch, z.shape[-1])

    jax.lax.fori_loop(0, steps // group, several, None)


def _only_added(loop: Loop, given: forward.Reads) -> bool:
    """Whether the step only ever adds zx and zh, so that both have one gradient."""

    def gradients(zx: Array, zh: Array, d_new: Any) -> Any:
        step = Step(loop.dense, None, None)
        return jax.vjp(lambda *z: step.advance(given.rest, given.state, *z), zx, zh)[1](d_new)

    z = like(given.zx[0])
    d_zx, d_zh = jax.make_jaxpr(gradients)(z, z, like(given.state)).jaxpr.outvars
    return d_zx is d_zh


def _where(condition: Any, chosen: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


def _add(*trees: Any) -> Any:
    return jax.tree.map(jnp.add, *trees)
