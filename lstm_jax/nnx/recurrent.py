"""Any layer as an NNX module: a cell, a stack, a pair of directions."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

from lstm_jax.arguments import shapes
from lstm_jax.cells import Cell
from lstm_jax.checks import Size, check
from lstm_jax.executors import Executor
from lstm_jax.layers import Layer, batch_major
from lstm_jax.layers.compose import storage_dtype
from lstm_jax.layers.names import axes_of, from_names, to_names
from lstm_jax.noise import Noise

Sharding = bool | Mapping[str, str | None]


class Weights(nnx.Module):
    """Named parameters; a nested dict becomes modules within."""

    def __init__(self, names: dict[str, Any], sharding: Sharding) -> None:
        for name, value in names.items():
            if isinstance(value, dict):
                setattr(self, name, Weights(value, sharding))
            else:
                setattr(self, name, annotated(name, value, sharding))


def annotated(name: str, value: Array, sharding: Sharding) -> nnx.Param:
    """A parameter with the names of its axes.

    It is spread over devices at once, as Flax's own are, where the mesh in use has axes of these
    names; elsewhere the names are there for `nnx.get_partition_spec`.
    """
    axes = axes_of(name, value.ndim, sharding)
    if axes is None:
        return nnx.Param(value)
    known = set(jax.sharding.get_abstract_mesh().axis_names) | {None}
    eager = nnx.using_eager_sharding() and len(known) > 1 and known.issuperset(axes)
    return nnx.Param(value, out_sharding=axes, eager_sharding=eager)


def begun(layer: Cell | Layer, in_features: int, param_dtype: Any, rngs: nnx.Rngs) -> Any:
    """The names and values that a layer's parameters begin with."""
    check("in_features", in_features, Size)
    check("rngs", rngs, nnx.Rngs)
    return to_names(layer.init(rngs.params(), in_features, storage_dtype(param_dtype)))


def values(module: nnx.Module, like: Any) -> Any:
    """The parameters of a module, built as those of `shapes`."""

    def read(node: Any, names: Any) -> Any:
        if isinstance(names, dict):
            return {name: read(getattr(node, name), inner) for name, inner in names.items()}
        return node[...]

    return from_names(like, read(module, to_names(like)))


class Recurrent(Weights):
    """A recurrent layer over batches of sequences.

    Its parameters are attributes by their name: `w_x`, `forward.w_x`, `layer_0.w_x`.

    Args:
        layer: a cell of `lstm_jax.cells`, a `Stack` or a `Bidirectional`.
        in_features: I, the width of the inputs.
        reverse: run each sequence backwards within its length.
        time_major: sequences are (T, B, F) instead of (B, T, F).
        return_state: return (final state, outputs) instead of the outputs alone.
        executor, truncate: as for `lstm_jax.unroll`.
        deterministic: whether dropout and other noise is off; `train()`, `eval()` and `nnx.view`
            switch it, as with `nnx.Dropout`.
        param_dtype: of the parameters.
        sharding: names for the axes of the weights: True for those of
            `lstm_jax.layers.names.AXES`, a mapping such as {"gates": "model"} for others, False
            for none.
        rngs: the stream "params", and "dropout" if the layer draws noise.

    >>> from lstm_jax import GRU, LSTM, Bidirectional, Stack
    >>> layer = Stack((Bidirectional(LSTM(4), LSTM(4)), GRU(2)))
    >>> module = Recurrent(layer, 3, rngs=nnx.Rngs(0))
    >>> module(jnp.zeros((5, 10, 3))).shape, module.layer_0.forward.w_x.shape
    ((5, 10, 2), (3, 16))
    """

    def __init__(
        self,
        layer: Cell | Layer,
        in_features: int,
        *,
        reverse: bool = False,
        time_major: bool = False,
        return_state: bool = False,
        executor: str | Executor = "auto",
        truncate: int | None = None,
        deterministic: bool = False,
        param_dtype: Any = jnp.float32,
        sharding: Sharding = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.settings = batch_major.Recurrent(
            layer, reverse, time_major, return_state, executor, truncate
        )
        self.in_features = in_features
        self.deterministic = deterministic
        check("deterministic", deterministic, bool)
        super().__init__(begun(layer, in_features, param_dtype, rngs), sharding)
        self.rngs = rngs["dropout"].fork() if layer.draws else nnx.data(None)

    @property
    def params(self) -> Any:
        """The parameters as `lstm_jax.unroll` takes them."""
        return values(self, shapes(self.settings.layer, self.in_features))

    def __call__(
        self,
        xs: Float[Array, "_ _ I"],
        state: Any = None,
        *,
        lengths: Shaped[Array, " _"] | None = None,
        resets: Shaped[Array, "_ _"] | None = None,
        deterministic: bool | None = None,
        rngs: nnx.Rngs | nnx.RngStream | Array | None = None,
    ) -> Any:
        """Run over sequences.

        Args:
            xs: inputs (B, T, I), or (T, B, I) with `time_major`.
            state: the state to start from; left out, the layer's initial one.
            lengths: (B,) integers in 0..T; past its length a sequence's state is held and its
                output is zero.
            resets: (B, T) booleans; the state is set back before that step.
            deterministic: in place of the module's own.
            rngs: what noise draws from, in place of the module's own stream.

        Returns the outputs (B, T, H), or (final state, outputs) with `return_state`.
        """
        noise = self._noise(self.deterministic if deterministic is None else deterministic, rngs)
        return self.settings.apply(
            self.params, xs, state, lengths=lengths, resets=resets, noise=noise
        )

    def set_view(self, deterministic: bool | None = None) -> None:
        """What `nnx.view` sets.

        Args:
          deterministic: if True, noise is off.
        """
        if deterministic is not None:
            self.deterministic = deterministic

    def _noise(self, deterministic: bool, rngs: Any) -> Noise | None:
        if deterministic or not self.settings.layer.draws:
            return None
        rngs = self.rngs if rngs is None else rngs
        if isinstance(rngs, nnx.Rngs):
            rngs = rngs["dropout"]
        key = rngs() if isinstance(rngs, nnx.RngStream) else rngs
        if not isinstance(key, jax.Array):
            raise TypeError(f"rngs must be nnx.Rngs, one of its streams or a key, got {key!r}")
        return Noise(key)
