"""How a kernel is run: the arrays of a sequence cut into blocks, and references to them.

A kernel is a function of trees of references to blocks in VMEM: what it reads, what it writes,
and what it keeps. Its grid is (blocks of the batch, blocks of time).
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu
from jaxtyping import Array

from lstm_jax.executors.pallas.layout import VMEM
from lstm_jax.executors.pallas.step import Loop


class Cut:
    """How the arrays of a sequence (T, B, ...) are cut into blocks, for one kernel.

    Args:
        loop: what is compiled.
        steps: T.
        batch: B, a multiple of a block's.
        reverse: whether the last block of time is the first to be computed.
    """

    def __init__(self, loop: Loop, steps: int, batch: int, reverse: bool) -> None:
        self.blocks, self.interpret = loop.blocks, loop.interpret
        self.steps, self.reverse = steps, reverse
        self.grid = (batch // self.blocks.batch, pl.cdiv(steps, self.blocks.steps))

    def place(self, t: Any) -> Any:
        """Which block of time a place in the grid computes."""
        return self.grid[1] - 1 - t if self.reverse else t

    def steps_here(self) -> Any:
        """How many steps of the block there are: the last may be short."""
        first = self.place(pl.program_id(1)) * self.blocks.steps
        return jnp.minimum(self.blocks.steps, self.steps - first)

    def whole(self, tree: Any) -> Any:
        """The same for every block: it stays in VMEM, once."""
        return jax.tree.map(
            lambda a: pl.BlockSpec(a.shape, lambda b, t: (0, 0), pipeline_mode=pl.Buffered(1)), tree
        )

    def by_batch(self, tree: Any) -> Any:
        """(B, F): it stays in VMEM for all blocks of time."""
        rows = self.blocks.batch
        return jax.tree.map(lambda a: pl.BlockSpec((rows, a.shape[-1]), lambda b, t: (b, 0)), tree)

    def one_each(self, tree: Any) -> Any:
        """(blocks of the batch, 1, F): as by the batch, one row for each block."""
        return jax.tree.map(
            lambda a: pl.BlockSpec((None, *a.shape[1:]), lambda b, t: (b, 0, 0)), tree
        )

    def by_step(self, tree: Any) -> Any:
        """(T, B, F)."""
        rows, steps, _ = self.blocks

        def spec(a: Any) -> pl.BlockSpec:
            return pl.BlockSpec((steps, rows, a.shape[-1]), lambda b, t: (self.place(t), b, 0))

        return jax.tree.map(spec, tree)

    def just_before(self, tree: Any) -> Any:
        """(T, B, F), of which the step before each block; before the first block, any."""
        rows, steps, _ = self.blocks

        def place(b: Any, t: Any) -> tuple:
            return jnp.maximum(self.place(t) * steps - 1, 0), b, 0

        return jax.tree.map(lambda a: pl.BlockSpec((None, rows, a.shape[-1]), place), tree)

    def flags(self, flags: Any) -> Any:
        """(T, 1, B), the batch along the lanes."""
        rows, steps, _ = self.blocks
        return jax.tree.map(
            lambda _: pl.BlockSpec((steps, 1, rows), lambda b, t: (self.place(t), 0, b)), flags
        )

    def launch(
        self,
        kernel: Callable,
        name: str,
        reads: tuple[Any, Any],
        writes: tuple[Any, Any],
        keeps: tuple[Any, ...] = (),
        products: int = 1,
    ) -> Any:
        """Run a kernel over the grid.

        Args:
            kernel: a function of the references to what it reads, writes and keeps.
            name: what profilers call it.
            reads: the arrays, a tree, and their blocks.
            writes: the shapes of the arrays, a tree, and their blocks.
            keeps: the shapes of arrays that stay in VMEM.
            products: how often it multiplies every step by the recurrent weights.
        """
        arrays, specs = reads
        shapes, out_specs = writes
        weights = arrays.weights.size
        rows = self.steps * self.grid[0] * self.blocks.batch
        moved = sum(
            math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves((arrays, shapes))
        )
        (found,) = pl.pallas_call(
            kernel,
            grid=self.grid,
            in_specs=[specs],
            out_specs=[out_specs],
            out_shape=[shapes],
            scratch_shapes=[pltpu.VMEM(a.shape, a.dtype) for a in keeps],
            interpret=self.interpret,
            name=name,
            compiler_params=pltpu.CompilerParams(
                dimension_semantics=("parallel", "arbitrary"), vmem_limit_bytes=VMEM
            ),
            cost_estimate=pl.CostEstimate(
                flops=2 * products * rows * weights, bytes_accessed=moved, transcendentals=0
            ),
        )(arrays)
        return found


def read(refs: Any, index: Any = ...) -> Any:
    """The arrays behind a tree of references."""
    return jax.tree.map(lambda ref: ref[index], refs)


def write(refs: Any, values: Any, index: Any = ...) -> None:
    """Put a tree of arrays where references point."""

    def put(ref: Any, value: Array) -> None:
        ref[index] = value

    jax.tree.map(put, refs, values)


def like(tree: Any, *leading: int) -> Any:
    """The shapes of a tree, with further axes ahead."""
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct((*leading, *a.shape), a.dtype), tree)
