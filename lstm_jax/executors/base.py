"""What an executor is: a way to carry a step along time.

All executors compute the same function; they differ in speed, memory and what they support.
Their arguments are normalised by `lstm_jax.unroll` and not checked again.
"""

from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Bool, Float, PRNGKeyArray, Shaped

from lstm_jax.cells import Cell
from lstm_jax.noise import Keyed


class Inputs(NamedTuple):
    """What enters the loop at each step; leaves are (T, B, ...) or absent."""

    xs: Float[Array, "*T B I"]
    keys: Shaped[PRNGKeyArray, "*T B"] | None = None
    mask: Bool[Array, "*T B"] | None = None
    resets: Bool[Array, "*T B"] | None = None

    @property
    def x(self) -> Any:
        """What the cell takes: the inputs, with keys where it draws at each step."""
        return self.xs if self.keys is None else Keyed(self.xs, self.keys)


class Executor(Protocol):
    """A module of this package that has `run` and `unsupported`."""

    __doc__: str | None

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        """The final state and the outputs (T, B, H), zero where `inputs.mask` is False.

        Outputs are whatever tree `cell.output` gives.
        """

    def unsupported(self, cell: Cell) -> str | None:
        """The reason why this executor cannot serve a call, or None where it can."""
