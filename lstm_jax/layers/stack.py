"""Layers of cells: each runs over the outputs of the one below it.

A stack runs layer by layer, not step by step: every layer sees a whole sequence, so its
executor can treat the input's part of all steps as one matrix product.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lstm_jax.cells import Cell
from lstm_jax.checks import Settings
from lstm_jax.unroll import unroll


@dataclasses.dataclass(frozen=True)
class Stack(Settings):
    """Cells one above the other; parameters and states are tuples, the lowest layer first.

    >>> from lstm_jax import LSTM
    >>> stack = Stack((LSTM(hidden_size=4), LSTM(hidden_size=2)))
    >>> params = stack.init(jax.random.key(0), input_size=3)
    >>> states, ys = stack.unroll(params, jnp.zeros((10, 5, 3)))
    >>> ys.shape, states[0].h.shape
    ((10, 5, 2), (5, 4))
    """

    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cells:
            raise ValueError("Stack.cells is empty; a stack has at least one cell")

    @property
    def output_size(self) -> int:
        return self.cells[-1].output_size

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> tuple[Any, ...]:
        """Draw the parameters of every layer for inputs of width `input_size`."""
        sizes = [input_size, *(cell.output_size for cell in self.cells)]
        keys = jax.random.split(key, len(self.cells))
        layers = zip(self.cells, keys, sizes, strict=False)
        return tuple(cell.init(k, size, dtype) for cell, k, size in layers)

    def initial_state(self, params: tuple[Any, ...], batch_size: int) -> tuple[Any, ...]:
        """The state of every layer before the first step."""
        layers = zip(self.cells, params, strict=True)
        return tuple(cell.initial_state(p, batch_size) for cell, p in layers)

    def step(
        self, params: tuple[Any, ...], states: tuple[Any, ...], x: Float[Array, "B I"]
    ) -> tuple[tuple[Any, ...], Float[Array, "B H"]]:
        """Advance every layer by one step of time: gives what `unroll` gives, online."""
        new = []
        for cell, p, state in zip(self.cells, params, states, strict=True):
            state, x = cell.step(p, state, x)
            new.append(state)
        return tuple(new), x

    def unroll(
        self,
        params: tuple[Any, ...],
        xs: Float[Array, "T B I"],
        states: tuple[Any, ...] | None = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        resets: Shaped[Array, "T B"] | None = None,
        executor: str = "auto",
    ) -> tuple[tuple[Any, ...], Float[Array, "T B H"]]:
        """Run all layers over sequences; arguments, returns and errors as `lstm_jax.unroll`."""
        if states is None:
            states = (None,) * len(self.cells)
        if not len(self.cells) == len(params) == len(states):
            raise ValueError(
                f"a stack of {len(self.cells)} cells needs as many params and states, "
                f"got {len(params)} and {len(states)}"
            )
        finals = []
        for cell, p, state in zip(self.cells, params, states, strict=True):
            final, xs = unroll(
                cell, p, xs, state, lengths=lengths, resets=resets, executor=executor
            )
            finals.append(final)
        return tuple(finals), xs
