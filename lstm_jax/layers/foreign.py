"""Cells written for another library, as ours: what `unroll` needs around their step.

Theirs give the new carry and the output at once, ours show the output of a state; so the state
here is the carry together with the last output.
"""

import abc
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax.cells import Cell, state_dtype
from lstm_jax.checks import Size


class ForeignState(NamedTuple):
    """The carry as the cell has it, each leaf (B, ...), and the output (B, H) of its last step."""

    carry: Any
    y: Float[Array, "B H"]


@dataclasses.dataclass(frozen=True)
class ForeignCell(Cell[Any, ForeignState]):
    """A cell by its own call and its own start.

    Args:
        in_features: I, the width of its inputs.
    """

    in_features: Size

    @abc.abstractmethod
    def call(self, params: Any, carry: Any, x: Float[Array, "B I"]) -> tuple[Any, Array]:
        """The new carry and the output."""

    @abc.abstractmethod
    def start(self, params: Any, batch_size: int) -> Any:
        """The carry before the first step."""

    @property
    def output_size(self) -> int:
        params = self.param_shapes(self.in_features)
        state = jax.eval_shape(lambda p: self.initial_state(p, 1), params)
        return int(state.y.shape[-1])

    def initial_state(self, params: Any, batch_size: int) -> ForeignState:
        leaves = jax.tree.leaves(params)
        carry = jax.tree.map(
            lambda a: a.astype(state_dtype(a)) if jnp.issubdtype(a.dtype, jnp.floating) else a,
            self.start(params, batch_size),
        )
        dtype = state_dtype(leaves[0]) if leaves else jnp.float32
        x = jax.ShapeDtypeStruct((batch_size, self.in_features), dtype)
        _, y = jax.eval_shape(self.call, params, carry, x)
        return ForeignState(carry, jnp.zeros(y.shape, y.dtype))

    def advance(self, params: Any, state: ForeignState, x: Float[Array, "B I"]) -> ForeignState:
        new = ForeignState(*self.call(params, state.carry, x))
        return jax.tree.map(lambda a, before: a.astype(before.dtype), new, state)

    def output(self, params: Any, state: ForeignState) -> Float[Array, "*T B H"]:
        return state.y

    def check_width(self, input_size: int) -> None:
        """Raise ValueError for inputs of another width."""
        if input_size != self.in_features:
            raise ValueError(
                f"xs have width {input_size} but the cell was made for {self.in_features}"
            )
