"""One step of the loop as both kernels see it: in VMEM, in whole lanes, with flags for (T, B).

Forwards it is run, backwards JAX derives it; the recurrent product stands by itself.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lstm_jax import sequence
from lstm_jax.cells import Cell
from lstm_jax.cells.base import DenseCell
from lstm_jax.executors.pallas.layout import Blocks

HELD, PLAIN, RESTARTED = 0.0, 1.0, 2.0
"""What a step is to a sequence: past its end, one of its steps, or one before which it resets."""


class Loop(NamedTuple):
    """What is known when a loop is compiled; `cell` shows the states of the `dense` one."""

    cell: Cell
    dense: DenseCell
    blocks: Blocks
    interpret: bool

    def show(self, state: Any) -> Any:
        """What the cell shows of its state, for which a `DenseCell` reads no parameters."""
        return self.cell.output(None, state)


class Step(NamedTuple):
    """A step of `cell`; (B, H) says of each sequence whether it has not ended, and not reset."""

    cell: DenseCell
    keep: Bool[Array, "B H"] | None
    going_on: Bool[Array, "B H"] | None

    def fed(self, state: Any) -> Float[Array, "B H"]:
        """What the recurrent product multiplies. A `DenseCell` begins with zeros."""
        return self.cell.feedback(sequence.silence(state, self.going_on))

    def advance(
        self, rest: Any, state: Any, zx: Float[Array, "B Z"], zh: Float[Array, "B Z"]
    ) -> Any:
        """The state after the step; `zx` comes without its bias, one of the `rest`."""
        state = sequence.silence(state, self.going_on)
        return sequence.hold(state, self.cell.activate(rest, state, zx + rest.b, zh), self.keep)


def step_of(loop: Loop, flags: Any, index: Any) -> Step:
    """The step at an index of a block, by its flags, a reference to (T, 1, B) or None."""
    if flags is None:
        return Step(loop.dense, None, None)
    column = down(flags[index])
    wide = jnp.broadcast_to(column, (column.shape[0], loop.blocks.units))
    return Step(loop.dense, wide >= PLAIN, wide < RESTARTED)


def down(row: Float[Array, "1 B"]) -> Float[Array, "B 1"]:
    """A row turned down: the diagonal of its copies, for lanes do not turn into sublanes."""
    size = row.shape[-1]
    one, other = (jax.lax.broadcasted_iota(jnp.int32, (size, size), axis) for axis in (0, 1))
    copies = jnp.broadcast_to(row, (size, size))
    return jnp.sum(jnp.where(one == other, copies, 0.0), axis=1, keepdims=True)


def product(r: Float[Array, "B M"], w: Float[Array, "M N"]) -> Float[Array, "B N"]:
    """The product, with the operands in the type of w and sums in float32."""
    return jnp.dot(r.astype(w.dtype), w, preferred_element_type=jnp.float32)
