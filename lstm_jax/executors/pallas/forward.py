"""The forward kernel: every step of a block, with the weights and the state in VMEM."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax.experimental import pallas as pl
from jaxtyping import Array, Float

from lstm_jax.executors.pallas.launch import Cut, like, read, write
from lstm_jax.executors.pallas.step import Loop, product, step_of


class Reads(NamedTuple):
    """What enters the loop."""

    weights: Float[Array, "H Z"]
    """Of the recurrent product, in the type of its operands."""
    rest: Any
    """The other parameters that a step reads, the bias of zx among them; (1, ...)."""
    state: Any
    """(B, H)."""
    zx: Float[Array, "T B Z"]
    """Of the inputs, without its bias."""
    flags: Float[Array, "T 1 B"] | None
    """HELD, PLAIN or RESTARTED, where sequences end or reset."""


class Writes(NamedTuple):
    """What leaves the loop."""

    final: Any
    emitted: Any


def forward(loop: Loop, emit: Callable[[Any], Any], reads: Reads) -> Writes:
    """The final state, and what `emit` takes of the state after every step."""
    steps, batch, _ = reads.zx.shape
    cut = Cut(loop, steps, batch, reverse=False)
    shapes = Writes(like(reads.state), like(jax.eval_shape(emit, reads.state), steps))

    def kernel(given: Reads, found: Writes) -> None:
        @pl.when(pl.program_id(1) == 0)
        def _() -> None:
            write(found.final, read(given.state))

        def advance(index: Any, _: None) -> None:
            step = step_of(loop, given.flags, index)
            before = read(found.final)
            zh = product(step.fed(before), given.weights[...])
            new = step.advance(read(given.rest), before, given.zx[index], zh)
            write(found.final, new)
            write(found.emitted, emit(new), index)

        jax.lax.fori_loop(0, cut.steps_here(), advance, None)

    blocks = Reads(
        cut.whole(reads.weights),
        cut.whole(reads.rest),
        cut.by_batch(reads.state),
        cut.by_step(reads.zx),
        cut.flags(reads.flags),
    )
    found = Writes(cut.by_batch(shapes.final), cut.by_step(shapes.emitted))
    return cut.launch(kernel, "recurrence_forward", (reads, blocks), (shapes, found))
