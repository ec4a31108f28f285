"""DropConnect on the recurrent weights: each is absent from whole sequences, with a probability.

    w_h = mask * w_h / (1 - rate)           mask ~ Bernoulli(1 - rate), once for a batch

Wan et al. 2013; on recurrent weights Merity, Keskar & Socher 2018 (the AWD-LSTM). One mask serves
all steps and all sequences of a batch, so the product inside the loop stays one.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lstm_jax.cells.wrappers.base import Wrapper
from lstm_jax.checks import Fraction
from lstm_jax.noise import Noise, Purpose

RECURRENT = ("w_h", "w_gates")
"""What cells call the weights of what feeds back."""


@dataclasses.dataclass(frozen=True)
class DropConnect(Wrapper):
    """A cell whose recurrent weights are dropped in training.

    Args:
        cell: any cell with weights of a name in `RECURRENT`.
        rate: the share of weights that is zero.

    Raises ValueError, given noise, for a cell without.
    """

    rate: Fraction = 0.5

    @property
    def draws(self) -> bool:
        return self.rate > 0 or self.cell.draws

    def disturb(self, params: Any, noise: Noise, batch_size: int) -> Any:
        own = noise.fold(Purpose.WEIGHTS).key
        leaves, structure = jax.tree.flatten_with_path(params)
        recurrent = [getattr(path[-1], "name", "") in RECURRENT for path, _ in leaves]
        if not any(recurrent):
            known = " or ".join(RECURRENT)
            raise ValueError(f"DropConnect found no weights {known} among those of {self.cell}")

        def drop(place: int, weights: Array) -> Array:
            key = jax.random.fold_in(own, place)
            kept = jax.random.bernoulli(key, 1.0 - self.rate, weights.shape)
            return jnp.where(kept, weights / (1.0 - self.rate), 0.0)

        dropped = [
            drop(place, leaf) if recurrent[place] else leaf
            for place, (_, leaf) in enumerate(leaves)
        ]
        params = jax.tree.unflatten(structure, dropped)
        return super().disturb(params, noise.fold(Purpose.WITHIN), batch_size)
