"""A cell around a cell: it is the cell within, but for the parts that it changes.

What a regulariser draws once for a sequence goes into the parameters (`disturb`), what it draws
at each step comes with the input (`Keyed`); so executors know nothing of regularisers.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from lstm_jax.cells.base import NOTHING_HELD, Cell, Gates, Gating, Held, SplitCell
from lstm_jax.noise import Noise


@dataclasses.dataclass(frozen=True)
class Wrapper(SplitCell[Any, Any]):
    """The cell within, unchanged; splits if that one does."""

    cell: Cell

    def within(self, params: Any) -> Any:
        """The parameters of the cell within."""
        return params

    @property
    def output_size(self) -> int:
        return self.cell.output_size

    @property
    def splits(self) -> bool:
        return self.cell.splits

    @property
    def gating(self) -> Gating | None:
        return self.cell.gating

    def retention(self, gates: Mapping[str, Any]) -> Any:
        return self.cell.retention(gates)

    @property
    def draws(self) -> bool:
        return self.cell.draws

    @property
    def draws_each_step(self) -> bool:
        return self.cell.draws_each_step

    @property
    def split_cell(self) -> SplitCell:
        """The cell within, whose step splits; executors ask `splits` before they come here."""
        assert isinstance(self.cell, SplitCell)
        return self.cell

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        return self.cell.init(key, input_size, dtype)

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        return self.cell.param_shapes(input_size, dtype)

    def initial_state(self, params: Any, batch_size: int) -> Any:
        return self.cell.initial_state(self.within(params), batch_size)

    def disturb(self, params: Any, noise: Noise, batch_size: int) -> Any:
        return self.cell.disturb(params, noise, batch_size)

    def advance(self, params: Any, state: Any, x: Any) -> Any:
        if self.splits:
            return super().advance(params, state, x)
        return self.cell.advance(self.within(params), state, x)

    def advance_gated(
        self, params: Any, state: Any, x: Any, held: Held = NOTHING_HELD
    ) -> tuple[Any, Gates]:
        if self.splits:
            return super().advance_gated(params, state, x, held)
        return self.cell.advance_gated(self.within(params), state, x, held)

    def project(self, params: Any, x: Any) -> Any:
        return self.split_cell.project(self.within(params), x)

    def feedback(self, state: Any) -> Array:
        return self.split_cell.feedback(state)

    def recur(self, params: Any, r: Array) -> Array:
        return self.split_cell.recur(self.within(params), r)

    def activate(self, params: Any, state: Any, zx: Any, zh: Array) -> Any:
        return self.split_cell.activate(self.within(params), state, zx, zh)

    def activate_gated(
        self, params: Any, state: Any, zx: Any, zh: Array, held: Held = NOTHING_HELD
    ) -> tuple[Any, Gates]:
        return self.split_cell.activate_gated(self.within(params), state, zx, zh, held)

    def output(self, params: Any, state: Any) -> Array:
        return self.cell.output(self.within(params), state)
