"""Cells across: any of ours in Flax's `nnx.RNN`, any of Flax's in `lstm_jax.unroll`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.arguments import shapes
from lstm_jax.cells import Cell
from lstm_jax.layers import one_step
from lstm_jax.layers.foreign import ForeignCell
from lstm_jax.nnx.recurrent import Sharding, Weights, begun, values


class RNNCell(Weights, nnx.RNNCellBase):
    """A cell of ours that keeps Flax's promises, for `nnx.RNN` and `nnx.Bidirectional`.

    Its carry is the cell's state, such as `LSTMState(c, h)`, and its parameters have the names
    that they have in `Recurrent`. Flax's `RNN` takes `seq_lengths` of 1..T and leaves outputs
    past them as they come; `Recurrent` takes 0..T and silences them.

    Args:
        cell: the step.
        in_features: I, the width of the inputs.
        deterministic: True for evaluation. In training, a cell that draws noise is refused: a
            step alone has no sequence to draw for.
        param_dtype, sharding: as for `Recurrent`.
        rngs: of which the stream "params" is used.

    >>> from lstm_jax import LSTM
    >>> layer = nnx.RNN(RNNCell(LSTM(4), 3, rngs=nnx.Rngs(0)))
    >>> layer(jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        cell: Cell,
        in_features: int,
        *,
        deterministic: bool = False,
        param_dtype: Any = jnp.float32,
        sharding: Sharding = True,
        rngs: nnx.Rngs,
    ) -> None:
        one_step.check_cell(cell)
        self.step = cell
        self.in_features = in_features
        self.deterministic = deterministic
        super().__init__(begun(cell, in_features, param_dtype, rngs), sharding)

    @property
    def params(self) -> Any:
        """The parameters as `lstm_jax.unroll` takes them."""
        return values(self, shapes(self.step, self.in_features))

    def __call__(
        self, carry: Any, inputs: Float[Array, "*B I"]
    ) -> tuple[Any, Float[Array, "*B H"]]:
        """The new carry and the output; all axes of `inputs` but the last are batch axes."""
        one_step.check_draws_nothing(self.step, self.deterministic)
        return one_step.step(self.step, self.params, carry, inputs)

    def initialize_carry(
        self,
        input_shape: tuple[int, ...],
        rngs: nnx.Rngs | nnx.RngStream | None = None,
        carry_init: Callable[..., Array] | None = None,
    ) -> Any:
        """The cell's initial state, or one that `carry_init` draws.

        Args:
            input_shape: (*B, I), the shape of one step's inputs.
            rngs: the stream "carry", for `carry_init`.
            carry_init: an initializer called with a key, a shape and a dtype for each leaf.
        """
        carry = one_step.initial_carry(self.step, self.params, tuple(input_shape[:-1]))
        if carry_init is None:
            return carry
        stream = rngs.carry if isinstance(rngs, nnx.Rngs) else rngs
        if stream is None:
            raise ValueError("carry_init needs rngs to draw from")
        return jax.tree.map(lambda a: carry_init(stream(), a.shape, a.dtype), carry)

    @property
    def num_feature_axes(self) -> int:
        return 1


@dataclasses.dataclass(frozen=True)
class NNXCell(ForeignCell):
    """A Flax NNX cell without its parameters; made by `as_cell`."""

    graph: nnx.GraphDef
    structure: jax.tree_util.PyTreeDef
    sizes: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        return f"{type(self).__name__}(in_features={self.in_features})"

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        self.check_width(input_size)
        leaves = [jax.ShapeDtypeStruct(size, dtype) for size in self.sizes]
        return jax.tree.unflatten(self.structure, leaves)

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        raise ValueError(
            "as_cell took the parameters of an nnx module along, for unroll; it draws no new ones"
        )

    def call(self, params: Any, carry: Any, x: Float[Array, "B I"]) -> tuple[Any, Array]:
        return nnx.merge(self.graph, params)(carry, x)

    def start(self, params: Any, batch_size: int) -> Any:
        module = nnx.merge(self.graph, params)
        return module.initialize_carry((batch_size, self.in_features), nnx.Rngs(0))


def as_cell(module: nnx.RNNCellBase, in_features: int | None = None) -> tuple[NNXCell, Any]:
    """A Flax cell for `lstm_jax.unroll`, and its parameters as nested dicts.

    Args:
        module: `nnx.LSTMCell`, `nnx.GRUCell`, or any other whose variables are all `nnx.Param`.
        in_features: I, the width of the inputs; left out, the module's own `in_features`.

    Returns the cell and the parameters. In the cell's state, `carry` is the carry of the module.
    Raises ValueError for a module without `in_features`, with other variables, or whose steps
    have more than one axis of features, TypeError for what is no Flax cell.

    >>> from lstm_jax import unroll
    >>> cell, params = as_cell(nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)))
    >>> state, ys = unroll(cell, params, jnp.zeros((10, 2, 3)), lengths=jnp.array([10, 6]))
    >>> ys.shape, state.carry.shape
    ((10, 2, 4), (2, 4))
    """
    if not isinstance(module, nnx.RNNCellBase):
        raise TypeError(f"as_cell takes an nnx.RNNCellBase, got {type(module).__name__}")
    name = type(module).__name__
    if module.num_feature_axes != 1:
        raise ValueError(
            f"as_cell takes cells with one axis of features, {name} has {module.num_feature_axes}"
        )
    in_features = getattr(module, "in_features", None) if in_features is None else in_features
    if in_features is None:
        raise ValueError(f"{name} has no in_features; give as_cell the width of its inputs")
    parts: Any = nnx.split(module, nnx.Param, ...)
    graph, state, rest = parts
    if jax.tree.leaves(rest):
        kinds = {type(variable).__name__ for _, variable in nnx.to_flat_state(rest)}
        raise ValueError(
            f"as_cell takes cells whose variables are all nnx.Param; {name} has "
            f"{', '.join(sorted(kinds))}"
        )
    params = nnx.to_pure_dict(state)
    leaves, structure = jax.tree.flatten(params)
    sizes = tuple(tuple(map(int, jnp.shape(leaf))) for leaf in leaves)
    return NNXCell(in_features, graph, structure, sizes), params
