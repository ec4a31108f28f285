"""Any layer as a linen module: a cell, a stack, a pair of directions."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float, Shaped

from lstm_jax.arguments import shapes
from lstm_jax.cells import Cell
from lstm_jax.executors import Executor
from lstm_jax.layers import Layer, batch_major
from lstm_jax.layers.compose import storage_dtype
from lstm_jax.layers.names import axes_of, from_names, to_names
from lstm_jax.noise import Noise

Sharding = bool | Mapping[str, str | None]


def parameters(
    module: linen.Module,
    layer: Cell | Layer,
    in_features: int,
    param_dtype: Any,
    sharding: Sharding,
) -> Any:
    """The parameters that a module has in its scope, drawn where they are not there yet.

    Of all from one key, as a layer draws them. Shapes are left to `unroll` to check, which names
    the weight; `param` would have to draw anew to see them.
    """
    like = shapes(layer, in_features)
    names = to_names(like)
    drawn: dict[str, Any] = {}
    there = all(module.has_variable("params", name) for name in names)
    if not there and module.is_mutable_collection("params"):
        key = module.make_rng("params")
        drawn = to_names(layer.init(key, in_features, storage_dtype(param_dtype)))

    def begin(name: str) -> Any:
        return annotated(name, drawn[name], sharding)

    found = {name: module.variable("params", name, begin, name).value for name in names}
    return from_names(like, found)


def annotated(name: str, value: Any, sharding: Sharding) -> Any:
    """Weights, in boxes that name their axes where asked for."""
    if isinstance(value, dict):
        return {inner: annotated(inner, leaf, sharding) for inner, leaf in value.items()}
    axes = axes_of(name, value.ndim, sharding)
    return value if axes is None else linen.LogicallyPartitioned(value, axes)


class Base(linen.Module, kw_only=True):
    """What `Recurrent` and the everyday layers share; their settings by keyword."""

    reverse: bool = False
    time_major: bool = False
    return_state: bool = False
    executor: str | Executor = "auto"
    truncate: int | None = None
    deterministic: bool | None = None
    param_dtype: Any = jnp.float32
    sharding: Sharding = False

    @linen.nowrap
    def recurrent(self) -> Cell | Layer:
        """The layer."""
        raise NotImplementedError

    @linen.compact
    def __call__(
        self,
        xs: Float[Array, "_ _ I"],
        state: Any = None,
        *,
        lengths: Shaped[Array, " _"] | None = None,
        resets: Shaped[Array, "_ _"] | None = None,
        deterministic: bool | None = None,
    ) -> Any:
        """Run over sequences.

        Args:
            xs: inputs (B, T, I), or (T, B, I) with `time_major`.
            state: the state to start from; left out, the layer's initial one.
            lengths: (B,) integers in 0..T; past its length a sequence's state is held and its
                output is zero.
            resets: (B, T) booleans; the state is set back before that step.
            deterministic: whether noise is off; a layer that draws needs it here or in the
                constructor.

        Returns the outputs (B, T, H), or (final state, outputs) with `return_state`.
        """
        layer = self.recurrent()
        settings = batch_major.Recurrent(
            layer, self.reverse, self.time_major, self.return_state, self.executor, self.truncate
        )
        params = parameters(self, layer, jnp.shape(xs)[-1], self.param_dtype, self.sharding)
        noise = None
        if layer.draws and not linen.merge_param(
            "deterministic", self.deterministic, deterministic
        ):
            noise = Noise(self.make_rng("dropout"))
        return settings.apply(params, xs, state, lengths=lengths, resets=resets, noise=noise)


class Recurrent(Base):
    """A recurrent layer over batches of sequences.

    Its parameters are named `w_x`, `forward/w_x`, `layer_0/w_x`, as those of the module of NNX.

    Args:
        layer: a cell of `lstm_jax.cells`, a `Stack` or a `Bidirectional`.
        reverse: run each sequence backwards within its length.
        time_major: sequences are (T, B, F) instead of (B, T, F).
        return_state: return (final state, outputs) instead of the outputs alone.
        executor, truncate: as for `lstm_jax.unroll`.
        deterministic: whether dropout and other noise is off, here or in the call; noise is drawn
            from the stream "dropout".
        param_dtype: of the parameters.
        sharding: True puts weights in `LogicallyPartitioned` boxes with the axis names of
            `lstm_jax.layers.names.AXES`, a mapping such as {"gates": "model"} with others.

    >>> import jax
    >>> from lstm_jax import GRU, LSTM, Bidirectional, Stack
    >>> module = Recurrent(Stack((Bidirectional(LSTM(4), LSTM(4)), GRU(2))))
    >>> variables = module.init(jax.random.key(0), jnp.zeros((5, 10, 3)))
    >>> variables["params"]["layer_0"]["forward"]["w_x"].shape
    (3, 16)
    >>> module.apply(variables, jnp.zeros((5, 10, 3))).shape
    (5, 10, 2)
    """

    layer: Cell | Layer

    @linen.nowrap
    def recurrent(self) -> Cell | Layer:
        return self.layer
