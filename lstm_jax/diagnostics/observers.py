"""A cell that is looked at while it runs: beside its state it carries what has been seen.

So any executor runs it, what is seen is gathered inside the loop, and past the end of a sequence
it stays as it is, as the state does.
"""

import abc
import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from lstm_jax.cells import Cell, Gates, Wrapper

Quantities = dict[str, Array]
"""Gates, candidate and parts of the state of a step by their names, each (B, H)."""


class Seen(NamedTuple):
    """The state of the cell within, and what has been seen of it."""

    state: Any
    seen: Any


@dataclasses.dataclass(frozen=True)
class Observer(Wrapper):
    """The cell within, and what `look` makes of its every step."""

    @abc.abstractmethod
    def begin(self, zeros: Quantities) -> Any:
        """What has been seen before the first step; leaves are (B, ...)."""

    @abc.abstractmethod
    def look(self, seen: Any, now: Quantities) -> Any:
        """What has been seen after a step."""

    def initial_state(self, params: Any, batch_size: int) -> Seen:
        state = super().initial_state(params, batch_size)
        parts = state_parts(state)
        names = gate_names(self.cell)
        gates = dict.fromkeys(names, parts[self.cell.gating.memory]) if self.cell.gating else {}
        zeros = {name: jnp.zeros_like(like) for name, like in {**gates, **parts}.items()}
        return Seen(state, self.begin(zeros))

    def feedback(self, state: Seen) -> Array:
        return super().feedback(state.state)

    def activate(self, params: Any, state: Seen, zx: Any, zh: Array) -> Seen:
        return self._looked(state, *super().activate_gated(params, state.state, zx, zh))

    def advance(self, params: Any, state: Seen, x: Any) -> Seen:
        if self.splits:
            return super().advance(params, state, x)
        return self._looked(state, *self.cell.advance_gated(params, state.state, x))

    def output(self, params: Any, state: Seen) -> Array:
        return super().output(params, state.state)

    def _looked(self, before: Seen, state: Any, gates: Gates) -> Seen:
        return Seen(state, self.look(before.seen, {**gates, **state_parts(state)}))


def state_parts(state: Any) -> Quantities:
    """The parts of a cell's state by name, without gates that feed back."""
    return {name: part for name, part in state._asdict().items() if name != "gates"}


def gate_names(cell: Cell) -> tuple[str, ...]:
    """The gates of a cell and its candidate; none where it has no gates."""
    return () if cell.gating is None else (*cell.gating.gates, cell.gating.candidate)
