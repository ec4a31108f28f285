"""Variational dropout of what feeds back: one mask for all steps of a sequence.

    zh = U (mask * r) / (1 - rate)          mask ~ Bernoulli(1 - rate), once for a sequence

Gal & Ghahramani 2016. A mask drawn anew at each step would wear the memory away; one that stays,
beyond resets too, leaves the rest of the units their memory.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from lstm_jax.cells.wrappers.base import Wrapper
from lstm_jax.checks import Fraction
from lstm_jax.noise import Noise, Purpose, drawn


class Masked(NamedTuple):
    """Parameters for one batch of sequences: those of the cell within, and what is kept."""

    cell: Any
    mask: Float[Array, "B R"]


@dataclasses.dataclass(frozen=True)
class RecurrentDropout(Wrapper):
    """A cell whose feedback is dropped in training.

    Args:
        cell: any cell whose step splits.
        rate: the share of the feedback that is zero.

    Raises ValueError for a cell whose step does not split.
    """

    rate: Fraction = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cell.splits:
            raise ValueError(
                f"RecurrentDropout needs a cell whose step splits, got {self.cell}; "
                f"Zoneout and DropConnect take any"
            )

    def within(self, params: Any) -> Any:
        return params.cell if isinstance(params, Masked) else params

    @property
    def draws(self) -> bool:
        return self.rate > 0 or self.cell.draws

    def disturb(self, params: Any, noise: Noise, batch_size: int) -> Masked:
        inner = self.cell.disturb(params, noise.fold(Purpose.WITHIN), batch_size)
        state = jax.eval_shape(lambda p: self.cell.initial_state(p, batch_size), inner)
        r = jax.eval_shape(self.feedback, state)
        kept = drawn(noise.fold(Purpose.FEEDBACK).of_rows(batch_size), 1.0 - self.rate, r.shape[-1])
        return Masked(inner, kept.astype(r.dtype) / (1.0 - self.rate))

    def recur(self, params: Any, r: Float[Array, "*T B R"]) -> Float[Array, "*T B Z"]:
        if isinstance(params, Masked):
            r = r * params.mask
        return super().recur(params, r)
