"""What a layer is: a cell, or a composition of cells, over whole sequences.

All of them have `output_size`, `init`, `param_shapes` and `initial_state`, and run by
`unroll_layer`.
"""

import abc
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from lstm_jax.cells import Cell
from lstm_jax.checks import Settings
from lstm_jax.unroll import unroll


@dataclasses.dataclass(frozen=True)
class Layer(Settings, abc.ABC):
    """A composition of cells."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """H, the width of the outputs."""

    @property
    @abc.abstractmethod
    def draws(self) -> bool:
        """Whether the layer does something else given noise than without."""

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        """Draw all parameters for inputs of width `input_size`."""

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        """What `init` will give, as `jax.ShapeDtypeStruct`."""
        return jax.eval_shape(lambda key: self.init(key, input_size, dtype), jax.random.key(0))

    @abc.abstractmethod
    def initial_state(self, params: Any, batch_size: int) -> Any:
        """The state before the first step."""

    @abc.abstractmethod
    def unroll(self, params: Any, xs: Any, state: Any = None, **options: Any) -> Any:
        """Run over sequences; arguments, returns and errors as `lstm_jax.unroll`."""


def unroll_layer(
    layer: Cell | Layer, params: Any, xs: Array, state: Any = None, **options: Any
) -> Any:
    """Run a cell or a composition of cells over sequences, as `lstm_jax.unroll`."""
    if isinstance(layer, Cell):
        return unroll(layer, params, xs, state, **options)
    return layer.unroll(params, xs, state, **options)
