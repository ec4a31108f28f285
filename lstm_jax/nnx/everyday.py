"""The everyday layers by their names: cells, `compose` and `Recurrent` in one call."""

from typing import Any, Literal

from flax import nnx

from lstm_jax import cells
from lstm_jax.cells import Cell
from lstm_jax.initializers import Chrono, ForgetBias, WeightsKind
from lstm_jax.layers.compose import compose, product_dtype
from lstm_jax.nnx.recurrent import Recurrent


class Everyday(Recurrent):
    """Layers of one cell; arguments as for `lstm_jax.layers.compose` and `Recurrent`."""

    def __init__(
        self,
        cell: Cell,
        in_features: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        merge: str = "concat",
        residual: bool = False,
        dropout: float = 0.0,
        rngs: nnx.Rngs,
        **settings: Any,
    ) -> None:
        layer = compose(
            cell,
            layers=layers,
            bidirectional=bidirectional,
            merge=merge,
            residual=residual,
            dropout=dropout,
        )
        super().__init__(layer, in_features, rngs=rngs, **settings)


class LSTM(Everyday):
    """Layers of long short-term memory.

    With one layer in one direction the parameters are `w_x`, `w_h` and `b`.

    Args:
        in_features: I, the width of the inputs.
        hidden_features: H, the number of cells of each layer and direction.
        bias: initial gate biases, `ForgetBias(1.0)` or `Chrono(t_max)`.
        weights: how the weights begin: "orthogonal", "identity" or "uniform".
        dtype: of matrix products, "bfloat16" or `jnp.bfloat16`; left out, that of the parameters.
            States and outputs are at least float32.
        layers, bidirectional, merge, residual, dropout: as for `lstm_jax.layers.compose`.
        rngs, settings: as for `Recurrent`.

    >>> import jax.numpy as jnp
    >>> layer = LSTM(3, 4, layers=2, bidirectional=True, rngs=nnx.Rngs(0))
    >>> layer(jnp.zeros((2, 10, 3))).shape
    (2, 10, 8)
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        bias: ForgetBias | Chrono = ForgetBias(),
        weights: WeightsKind = "orthogonal",
        dtype: Any = None,
        rngs: nnx.Rngs,
        **settings: Any,
    ) -> None:
        cell = cells.LSTM(hidden_features, bias, weights, dtype=product_dtype(dtype))
        super().__init__(cell, in_features, rngs=rngs, **settings)


class GRU(Everyday):
    """Layers of gated recurrent units, the reset gate after the recurrent product.

    With one layer in one direction the parameters are `w_x`, `w_h`, `b` and `b_u`.

    Args:
        in_features, hidden_features, weights, dtype: as for `LSTM`.
        bias: initial bias of the update gate, `ForgetBias(0.0)` or `Chrono(t_max)`.
        layers, bidirectional, merge, residual, dropout, rngs, settings: as for `LSTM`.

    >>> import jax.numpy as jnp
    >>> layer = GRU(3, 4, bidirectional=True, merge="sum", rngs=nnx.Rngs(0))
    >>> layer(jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        bias: ForgetBias | Chrono = ForgetBias(0.0),
        weights: WeightsKind = "orthogonal",
        dtype: Any = None,
        rngs: nnx.Rngs,
        **settings: Any,
    ) -> None:
        cell = cells.GRU(hidden_features, bias, weights, dtype=product_dtype(dtype))
        super().__init__(cell, in_features, rngs=rngs, **settings)


class Elman(Everyday):
    """Layers that feed back without gates.

    With one layer in one direction the parameters are `w_x`, `w_h` and `b`.

    Args:
        in_features, hidden_features, weights, dtype: as for `LSTM`.
        activation: "tanh" or "relu".
        layers, bidirectional, merge, residual, dropout, rngs, settings: as for `LSTM`.

    >>> import jax.numpy as jnp
    >>> layer = Elman(3, 4, activation="relu", weights="identity", rngs=nnx.Rngs(0))
    >>> layer(jnp.zeros((2, 10, 3))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        activation: Literal["tanh", "relu"] = "tanh",
        weights: WeightsKind = "orthogonal",
        dtype: Any = None,
        rngs: nnx.Rngs,
        **settings: Any,
    ) -> None:
        cell = cells.Elman(hidden_features, activation, weights, dtype=product_dtype(dtype))
        super().__init__(cell, in_features, rngs=rngs, **settings)
