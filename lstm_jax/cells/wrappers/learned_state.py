"""A learned beginning: the state before the first step, and after a reset, is a parameter."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import PRNGKeyArray

from lstm_jax.cells.base import state_dtype
from lstm_jax.cells.wrappers.base import Wrapper
from lstm_jax.noise import Noise


class LearnedStateParams(NamedTuple):
    """Parameters of the cell within, and its initial state without a batch."""

    cell: Any
    start: Any


@dataclasses.dataclass(frozen=True)
class LearnedState(Wrapper):
    """A cell that learns where to begin; it begins to learn at the cell's own initial state.

    >>> from lstm_jax import LSTM
    >>> params = LearnedState(LSTM(hidden_size=3)).init(jax.random.key(0), input_size=2)
    >>> params.start.c.tolist()
    [0.0, 0.0, 0.0]
    """

    def within(self, params: LearnedStateParams) -> Any:
        return params.cell

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> LearnedStateParams:
        return self._begun(self.cell.init(key, input_size, dtype), dtype)

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> LearnedStateParams:
        shapes = self.cell.param_shapes(input_size, dtype)
        return jax.eval_shape(lambda params: self._begun(params, dtype), shapes)

    def _begun(self, params: Any, dtype: DTypeLike) -> LearnedStateParams:
        start = self.cell.initial_state(params, 1)
        return LearnedStateParams(params, jax.tree.map(lambda leaf: leaf[0].astype(dtype), start))

    def initial_state(self, params: LearnedStateParams, batch_size: int) -> Any:
        return jax.tree.map(
            lambda leaf: jnp.broadcast_to(
                leaf.astype(state_dtype(leaf)), (batch_size, *leaf.shape)
            ),
            params.start,
        )

    def disturb(self, params: LearnedStateParams, noise: Noise, batch_size: int) -> Any:
        return params._replace(cell=self.cell.disturb(params.cell, noise, batch_size))
