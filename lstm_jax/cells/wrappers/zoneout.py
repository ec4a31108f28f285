"""Zoneout: at each step, units keep their former state with a probability.

    c = k_c * c_before + (1 - k_c) * c_new      k_c ~ Bernoulli(rate c), for each step and unit
    h = k_h * h_before + (1 - k_h) * h_new

At evaluation the masks are their means. Krueger et al. 2017; h_new is computed of the c_new that
no unit has kept, as there.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from lstm_jax.cells.base import NOTHING_HELD, Gates, Held
from lstm_jax.cells.wrappers.base import Wrapper
from lstm_jax.checks import Fraction
from lstm_jax.noise import Keyed, drawn

Kept = dict[str, Array]


class Zoned(NamedTuple):
    """The input's part of a step in training, and what each part of the state keeps: 0 or 1."""

    zx: Any
    kept: Kept


@dataclasses.dataclass(frozen=True)
class Zoneout(Wrapper):
    """A cell whose units keep their state at random.

    Args:
        cell: any cell that does not draw at each step itself.
        c, h: the share of the cell state and of the hidden state that is kept.

    Raises ValueError for a cell that draws at each step, and, when it runs, for a rate of a part
    that the state does not have.
    """

    c: Fraction = 0.0
    h: Fraction = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell.draws_each_step:
            raise ValueError(f"Zoneout.cell already draws at each step: {self.cell}")

    @property
    def draws(self) -> bool:
        return bool(self._rates) or self.cell.draws

    @property
    def draws_each_step(self) -> bool:
        return bool(self._rates)

    def project(self, params: Any, x: Float[Array, "*T B I"] | Keyed) -> Any:
        if not isinstance(x, Keyed):
            return super().project(params, x)
        return Zoned(super().project(params, x.x), self._draw(params, x))

    def activate(self, params: Any, state: Any, zx: Any, zh: Array) -> Any:
        zx, kept = zx if isinstance(zx, Zoned) else (zx, self._rates)
        return self._keep(state, super().activate(params, state, zx, zh), kept)

    def advance(self, params: Any, state: Any, x: Float[Array, "B I"] | Keyed) -> Any:
        if self.splits:
            return super().advance(params, state, x)
        x, kept = (x.x, self._draw(params, x)) if isinstance(x, Keyed) else (x, self._rates)
        return self._keep(state, super().advance(params, state, x), kept)

    def activate_gated(
        self, params: Any, state: Any, zx: Any, zh: Array, held: Held = NOTHING_HELD
    ) -> tuple[Any, Gates]:
        zx, kept = zx if isinstance(zx, Zoned) else (zx, self._rates)
        new, gates = super().activate_gated(params, state, zx, zh, held)
        return self._keep(state, new, kept), gates

    def advance_gated(
        self, params: Any, state: Any, x: Float[Array, "B I"] | Keyed, held: Held = NOTHING_HELD
    ) -> tuple[Any, Gates]:
        if self.splits:
            return super().advance_gated(params, state, x, held)
        x, kept = (x.x, self._draw(params, x)) if isinstance(x, Keyed) else (x, self._rates)
        new, gates = super().advance_gated(params, state, x, held)
        return self._keep(state, new, kept), gates

    def retention(self, gates: Mapping[str, Any]) -> Any:
        """On average over masks: what zoneout lets through, the gates keep or not."""
        if self.gating is None:
            return None
        rate = self._rates.get(self.gating.memory, 0.0)
        return rate + (1 - rate) * super().retention(gates)

    @property
    def _rates(self) -> dict[str, float]:
        return {name: rate for name, rate in (("c", self.c), ("h", self.h)) if rate}

    def _draw(self, params: Any, x: Keyed) -> Kept:
        state = jax.eval_shape(lambda p: self.initial_state(p, 1), params)
        kept = {}
        for number, (name, rate) in enumerate(self._rates.items()):
            part = self._part(state, name)
            fold = jax.vmap(jax.random.fold_in, (0, None))
            keys = fold(x.key.reshape(-1), number).reshape(x.key.shape)
            kept[name] = drawn(keys, rate, part.shape[-1]).astype(part.dtype)
        return kept

    def _keep(self, before: Any, after: Any, kept: Any) -> Any:
        parts = {}
        for name, keep in kept.items():
            keep = jax.lax.stop_gradient(keep)
            parts[name] = keep * self._part(before, name) + (1 - keep) * self._part(after, name)
        return after._replace(**parts)

    def _part(self, state: Any, name: str) -> Array:
        if not hasattr(state, name):
            raise ValueError(
                f"Zoneout.{name} is {self._rates[name]} but the state has no {name!r}: "
                f"{', '.join(state._fields)}"
            )
        return getattr(state, name)
