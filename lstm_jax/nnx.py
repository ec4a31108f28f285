"""Our cells as Flax NNX modules: thin, the same core as `lstm_jax.linen`."""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

from lstm_jax import cells
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers.batch_major import Recurrent


class LSTM(nnx.Module):
    """A layer of long short-term memory.

    Args:
        in_features: I, the width of the inputs.
        hidden_features: H, the width of the outputs.
        bias: initial gate biases, `ForgetBias(1.0)` or `Chrono(t_max)`.
        reverse, time_major, return_state, executor: as for `Recurrent`.
        param_dtype: of the parameters.
        rngs: of which the stream "params" is used.

    >>> layer = LSTM(3, 4, rngs=nnx.Rngs(0))
    >>> layer(jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        bias: ForgetBias | Chrono = ForgetBias(),
        reverse: bool = False,
        time_major: bool = False,
        return_state: bool = False,
        executor: str = "auto",
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        cell = cells.LSTM(hidden_features, bias)
        self.layer = Recurrent(cell, reverse, time_major, return_state, executor)
        params = cell.init(rngs.params(), in_features, param_dtype)
        self.w_x, self.w_h, self.b = map(nnx.Param, params)

    def __call__(
        self,
        xs: Float[Array, "B T I"],
        state: cells.LSTMState | None = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        resets: Shaped[Array, "B T"] | None = None,
    ) -> Any:
        """The outputs (B, T, H), or (final state, outputs) with `return_state`."""
        params = cells.LSTMParams(self.w_x[...], self.w_h[...], self.b[...])
        return self.layer.apply(params, xs, state, lengths=lengths, resets=resets)
