"""Cells across: any of ours in Flax's `linen.RNN`, any of Flax's in `lstm_jax.unroll`."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.arguments import shapes
from lstm_jax.cells import Cell, LearnedState, Wrapper
from lstm_jax.layers import one_step
from lstm_jax.layers.foreign import ForeignCell
from lstm_jax.linen.recurrent import Sharding, parameters


class RNNCell(linen.RNNCellBase):
    """A cell of ours that keeps Flax's promises, for `linen.RNN` and `linen.Bidirectional`.

    Its carry is the cell's state, such as `LSTMState(c, h)`, and its parameters have the names
    that they have in `Recurrent`. Flax's `RNN` takes `seq_lengths` of 1..T and leaves outputs
    past them as they come; `Recurrent` takes 0..T and silences them.

    Args:
        cell: the step; none with a `LearnedState`, as Flax makes a carry without parameters.
        deterministic: True for evaluation. In training, a cell that draws noise is refused: a
            step alone has no sequence to draw for.
        param_dtype, sharding: as for `Recurrent`.

    >>> from lstm_jax import LSTM
    >>> layer = linen.RNN(RNNCell(LSTM(4)))
    >>> variables = layer.init(jax.random.key(0), jnp.zeros((2, 10, 3)))
    >>> layer.apply(variables, jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    cell: Cell
    deterministic: bool = False
    param_dtype: Any = jnp.float32
    sharding: Sharding = False

    @linen.compact
    def __call__(
        self, carry: Any, inputs: Float[Array, "*B I"]
    ) -> tuple[Any, Float[Array, "*B H"]]:
        """The new carry and the output; all axes of `inputs` but the last are batch axes."""
        one_step.check_cell(self.cell)
        one_step.check_draws_nothing(self.cell, self.deterministic)
        width = jnp.shape(inputs)[-1]
        params = parameters(self, self.cell, width, self.param_dtype, self.sharding)
        return one_step.step(self.cell, params, carry, inputs)

    @linen.nowrap
    def initialize_carry(self, rng: PRNGKeyArray, input_shape: tuple[int, ...]) -> Any:
        """The cell's initial state, for one step's inputs of shape (*B, I); `rng` is not used."""
        one_step.check_cell(self.cell)
        within: Cell = self.cell
        while isinstance(within, Wrapper):
            if isinstance(within, LearnedState):
                raise ValueError(
                    "linen.RNNCell makes its carry without parameters, so it cannot begin at a "
                    "LearnedState; Recurrent can"
                )
            within = within.cell
        like = shapes(self.cell, input_shape[-1], jnp.dtype(self.param_dtype))
        params = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
        return one_step.initial_carry(self.cell, params, tuple(input_shape[:-1]))

    @property
    def num_feature_axes(self) -> int:
        return 1


@dataclasses.dataclass(frozen=True)
class LinenCell(ForeignCell):
    """A Flax linen cell; made by `as_cell`."""

    module: linen.RNNCellBase

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        self.check_width(input_size)
        x = jnp.zeros((1, input_size), dtype)
        variables = self.module.init(key, self.start(None, 1), x)
        if set(variables) - {"params"}:
            raise ValueError(
                f"as_cell takes cells whose variables are all parameters; "
                f"{type(self.module).__name__} has {', '.join(sorted(variables))}"
            )
        return jax.tree.map(lambda leaf: leaf.astype(dtype), variables.get("params", {}))

    def call(self, params: Any, carry: Any, x: Float[Array, "B I"]) -> tuple[Any, Array]:
        new: Any = self.module.apply({"params": params}, carry, x)
        return new

    def start(self, params: Any, batch_size: int) -> Any:
        return self.module.initialize_carry(jax.random.key(0), (batch_size, self.in_features))


def as_cell(module: linen.RNNCellBase, in_features: int) -> LinenCell:
    """A Flax cell for `lstm_jax.unroll`.

    Args:
        module: `linen.LSTMCell`, `linen.GRUCell`, or any other that has parameters alone.
        in_features: I, the width of the inputs.

    Its parameters are `variables["params"]` of the module, or those that the cell's own `init`
    draws. In its state, `carry` is the carry of the module.
    Raises ValueError for a cell whose steps have more than one axis of features, TypeError for
    what is no Flax cell.

    >>> from lstm_jax import unroll
    >>> cell = as_cell(linen.GRUCell(4), in_features=3)
    >>> params = cell.init(jax.random.key(0), input_size=3)
    >>> state, ys = unroll(cell, params, jnp.zeros((10, 2, 3)), lengths=jnp.array([10, 6]))
    >>> ys.shape, state.carry.shape
    ((10, 2, 4), (2, 4))
    """
    if not isinstance(module, linen.RNNCellBase):
        raise TypeError(f"as_cell takes a linen.RNNCellBase, got {type(module).__name__}")
    if module.num_feature_axes != 1:
        raise ValueError(
            f"as_cell takes cells with one axis of features, {type(module).__name__} has "
            f"{module.num_feature_axes}"
        )
    return LinenCell(in_features, module)
