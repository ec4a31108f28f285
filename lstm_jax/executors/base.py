"""What an executor is: a way to carry a step along time.

All executors compute the same function; they differ in speed, memory and what they support.
Their arguments are normalised by `lstm_jax.unroll` and not checked again.
"""

from typing import Any, Protocol

from jaxtyping import Array, Bool, Float

from lstm_jax.cells import Cell


class Executor(Protocol):
    """A module of this package that has `run` and `unsupported`."""

    __doc__: str | None

    def run(
        self,
        cell: Cell,
        params: Any,
        state: Any,
        xs: Float[Array, "T B I"],
        mask: Bool[Array, "T B"] | None,
        resets: Bool[Array, "T B"] | None,
    ) -> tuple[Any, Float[Array, "T B H"]]:
        """The final state and the outputs, zero where `mask` is False."""

    def unsupported(self, cell: Cell) -> str | None:
        """The reason why this executor cannot serve a call, or None where it can."""
