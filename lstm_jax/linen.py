"""Our cells as Flax linen modules: thin, the same core as `lstm_jax.nnx`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float, Shaped

from lstm_jax import cells
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers.batch_major import Recurrent


class LSTM(linen.Module):
    """A layer of long short-term memory; its parameters are w_x, w_h and b.

    Args:
        hidden_features: H, the width of the outputs.
        bias: initial gate biases, `ForgetBias(1.0)` or `Chrono(t_max)`.
        reverse, time_major, return_state, executor: as for `Recurrent`.
        param_dtype: of the parameters.

    >>> layer = LSTM(4)
    >>> variables = layer.init(jax.random.key(0), jnp.zeros((2, 10, 3)))
    >>> layer.apply(variables, jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    hidden_features: int
    bias: ForgetBias | Chrono = ForgetBias()
    reverse: bool = False
    time_major: bool = False
    return_state: bool = False
    executor: str = "auto"
    param_dtype: Any = jnp.float32

    @linen.compact
    def __call__(
        self,
        xs: Float[Array, "B T I"],
        state: cells.LSTMState | None = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        resets: Shaped[Array, "B T"] | None = None,
    ) -> Any:
        """The outputs (B, T, H), or (final state, outputs) with `return_state`."""
        cell = cells.LSTM(self.hidden_features, self.bias)
        layer = Recurrent(cell, self.reverse, self.time_major, self.return_state, self.executor)

        def draw(name: str) -> Array:
            def init(key: jax.Array) -> Array:
                return getattr(cell.init(key, xs.shape[-1], self.param_dtype), name)

            return self.param(name, init)

        params = cells.LSTMParams(*map(draw, cells.LSTMParams._fields))
        return layer.apply(params, xs, state, lengths=lengths, resets=resets)
