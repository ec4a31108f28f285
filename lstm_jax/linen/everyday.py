"""The everyday layers by their names: cells, `compose` and `Recurrent` in one call."""

from typing import Any, Literal

from flax import linen

from lstm_jax import cells
from lstm_jax.cells import Cell
from lstm_jax.initializers import Chrono, ForgetBias, WeightsKind
from lstm_jax.layers import Layer
from lstm_jax.layers.compose import compose, product_dtype
from lstm_jax.linen.recurrent import Base


class Everyday(Base, kw_only=True):
    """Layers of one cell; fields as for `lstm_jax.layers.compose`."""

    layers: int = 1
    bidirectional: bool = False
    merge: str = "concat"
    residual: bool = False
    dropout: float = 0.0
    dtype: Any = None

    @linen.nowrap
    def cell(self) -> Cell:
        """The step."""
        raise NotImplementedError

    @linen.nowrap
    def recurrent(self) -> Cell | Layer:
        return compose(
            self.cell(),
            layers=self.layers,
            bidirectional=self.bidirectional,
            merge=self.merge,
            residual=self.residual,
            dropout=self.dropout,
        )


class LSTM(Everyday):
    """Layers of long short-term memory.

    With one layer in one direction the parameters are w_x, w_h and b.

    Args:
        hidden_features: H, the number of cells of each layer and direction.
        bias: initial gate biases, `ForgetBias(1.0)` or `Chrono(t_max)`.
        weights: how the weights begin: "orthogonal", "identity" or "uniform".
        dtype: of matrix products, "bfloat16" or `jnp.bfloat16`; left out, that of the parameters.
            States and outputs are at least float32.
        layers, bidirectional, merge, residual, dropout: as for `lstm_jax.layers.compose`.

    and the settings of `Recurrent`, all by keyword.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> layer = LSTM(4, layers=2, bidirectional=True)
    >>> variables = layer.init(jax.random.key(0), jnp.zeros((2, 10, 3)))
    >>> layer.apply(variables, jnp.zeros((2, 10, 3))).shape
    (2, 10, 8)
    """

    hidden_features: int
    bias: ForgetBias | Chrono = ForgetBias()
    weights: WeightsKind = "orthogonal"

    @linen.nowrap
    def cell(self) -> Cell:
        dtype = product_dtype(self.dtype)
        return cells.LSTM(self.hidden_features, self.bias, self.weights, dtype=dtype)


class GRU(Everyday):
    """Layers of gated recurrent units, the reset gate after the recurrent product.

    With one layer in one direction the parameters are w_x, w_h, b and b_u.

    Args:
        hidden_features, weights, dtype: as for `LSTM`.
        bias: initial bias of the update gate, `ForgetBias(0.0)` or `Chrono(t_max)`.
        layers, bidirectional, merge, residual, dropout: as for `LSTM`.

    and the settings of `Recurrent`, all by keyword.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> layer = GRU(4, bidirectional=True, merge="sum")
    >>> variables = layer.init(jax.random.key(0), jnp.zeros((2, 10, 3)))
    >>> layer.apply(variables, jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    hidden_features: int
    bias: ForgetBias | Chrono = ForgetBias(0.0)
    weights: WeightsKind = "orthogonal"

    @linen.nowrap
    def cell(self) -> Cell:
        dtype = product_dtype(self.dtype)
        return cells.GRU(self.hidden_features, self.bias, self.weights, dtype=dtype)


class Elman(Everyday):
    """Layers that feed back without gates.

    With one layer in one direction the parameters are w_x, w_h and b.

    Args:
        hidden_features, weights, dtype: as for `LSTM`.
        activation: "tanh" or "relu".
        layers, bidirectional, merge, residual, dropout: as for `LSTM`.

    and the settings of `Recurrent`, all by keyword.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> layer = Elman(4, activation="relu", weights="identity")
    >>> variables = layer.init(jax.random.key(0), jnp.zeros((2, 10, 3)))
    >>> layer.apply(variables, jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    hidden_features: int
    activation: Literal["tanh", "relu"] = "tanh"
    weights: WeightsKind = "orthogonal"

    @linen.nowrap
    def cell(self) -> Cell:
        dtype = product_dtype(self.dtype)
        return cells.Elman(self.hidden_features, self.activation, self.weights, dtype=dtype)
