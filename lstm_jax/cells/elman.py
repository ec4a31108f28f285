"""The Elman network: the plain recurrence that forgets.

    h = phi(W x + U h + b)

Every step multiplies the gradient by U and by phi' <= 1, so over k steps it shrinks or grows as
a k-th power (Hochreiter 1991; Bengio et al. 1994): what the LSTM's cell state is there to avoid.

Sources: Elman 1990 (tanh); Le, Jaitly & Hinton 2015 (IRNN: ReLU and U = I at the start, so that
the state is at first kept as it is).
"""

import dataclasses
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.cells.base import DenseCell, zeros
from lstm_jax.initializers import WeightsKind, draw_weights


class ElmanParams(NamedTuple):
    """Weights of the only layer."""

    w_x: Float[Array, "I H"]
    w_h: Float[Array, "H H"]
    b: Float[Array, " H"]


class ElmanState(NamedTuple):
    """What an Elman network carries from one step to the next."""

    h: Float[Array, "B H"]


@dataclasses.dataclass(frozen=True)
class Elman(DenseCell[ElmanParams, ElmanState]):
    """Elman network: one layer that feeds back, without gates.

    Args:
        hidden_size: H, the number of units.
        activation: phi, "tanh" or "relu".
        weights: how the weights begin; "orthogonal" or "identity" say it of U, "uniform" of all.
        dtype: of matrix products, as for `MixedPrecision`.

    >>> cell = Elman(hidden_size=3)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> jax.tree.map(jnp.shape, params)
    ElmanParams(w_x=(2, 3), w_h=(3, 3), b=(3,))
    """

    activation: Literal["tanh", "relu"] = "tanh"
    weights: WeightsKind = "orthogonal"

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> ElmanParams:
        size = self.hidden_size
        return ElmanParams(*draw_weights(self.weights, None, key, "h", input_size, size, dtype))

    def initial_state(self, params: ElmanParams, batch_size: int) -> ElmanState:
        return ElmanState(zeros(params.w_h, batch_size, self.hidden_size))

    def activate(
        self,
        params: ElmanParams,
        state: ElmanState,
        zx: Float[Array, "B H"],
        zh: Float[Array, "B H"],
    ) -> ElmanState:
        phi = {"tanh": jnp.tanh, "relu": jax.nn.relu}[self.activation]
        return ElmanState(phi(zx + zh))


@dataclasses.dataclass(frozen=True)
class IRNN(Elman):
    """Elman network of rectified units that begins with the identity as its recurrent weights."""

    activation: Literal["tanh", "relu"] = "relu"
    weights: WeightsKind = "identity"
