"""Gated recurrent units: one gate decides what to keep, another what the candidate may see.

    r = sigmoid(W_r x + U_r h + b_r)        reset gate
    z = sigmoid(W_z x + U_z h + b_z)        update gate: what to keep
    n = tanh   (W_n x + b_n + ...)          candidate: the new content
    h = z * h + (1 - z) * n

The two published forms differ in where r stands in the candidate:

    GRU            ... = r * (U_n h + b_u)  after the recurrent product, as cuDNN and torch have it
    ResetFirstGRU  ... = U_n (r * h)        before it (Cho et al. 2014; Chung et al. 2014): two
                                            products a step, the second waiting for the first

The gates are packed in the order r, z, n.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.cells.base import (
    NOTHING_HELD,
    Cell,
    DenseCell,
    GatedCell,
    Gates,
    Gating,
    Held,
    MixedPrecision,
    Params,
    zeros,
)
from lstm_jax.checks import Size
from lstm_jax.initializers import Chrono, ForgetBias, WeightsKind, draw_weights


class GRUParams(NamedTuple):
    """Weights packed r, z, n along the last axis; `b_u` is the bias within r's reach."""

    w_x: Float[Array, "I 3*H"]
    w_h: Float[Array, "H 3*H"]
    b: Float[Array, " 3*H"]
    b_u: Float[Array, " H"]


class ResetFirstGRUParams(NamedTuple):
    """Weights packed r, z, n along the last axis."""

    w_x: Float[Array, "I 3*H"]
    w_h: Float[Array, "H 3*H"]
    b: Float[Array, " 3*H"]


class GRUState(NamedTuple):
    """What a GRU carries from one step to the next."""

    h: Float[Array, "B H"]


ROLES = "rfn"
"""The gates by what their biases do: the update gate keeps, so it takes the forget bias."""


class Gated(Cell[Params, GRUState]):
    """What the two forms have in common: their gates."""

    @property
    def gating(self) -> Gating:
        return Gating(("r", "z"), candidate="n", memory="h")

    def retention(self, gates: Mapping[str, Any]) -> Any:
        return gates["z"]


@dataclasses.dataclass(frozen=True)
class GRU(Gated[GRUParams], GatedCell[GRUParams, GRUState], DenseCell[GRUParams, GRUState]):
    """Gated recurrent unit, its reset gate after the recurrent product.

    Args:
        hidden_size: H, the number of units.
        bias: initial bias of the update gate, `ForgetBias(0.0)` or `Chrono(t_max)`.
        weights: how the weights begin: "orthogonal", "identity" or "uniform".
        dtype: of matrix products, as for `MixedPrecision`.

    >>> cell = GRU(hidden_size=3)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> jax.tree.map(jnp.shape, params)
    GRUParams(w_x=(2, 9), w_h=(3, 9), b=(9,), b_u=(3,))
    """

    bias: ForgetBias | Chrono = ForgetBias(0.0)
    weights: WeightsKind = "orthogonal"

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> GRUParams:
        size = self.hidden_size
        drawn = draw_weights(self.weights, self.bias, key, ROLES, input_size, size, dtype)
        return GRUParams(*drawn, b_u=jnp.zeros(size, dtype))

    def initial_state(self, params: GRUParams, batch_size: int) -> GRUState:
        return GRUState(zeros(params.w_h, batch_size, self.hidden_size))

    def activate_gated(
        self,
        params: GRUParams,
        state: GRUState,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[GRUState, Gates]:
        (xr, xz, xn), (hr, hz, hn) = jnp.split(zx, 3, axis=-1), jnp.split(zh, 3, axis=-1)
        gates = {"r": jax.nn.sigmoid(xr + hr), "z": jax.nn.sigmoid(xz + hz), **held}
        n = jnp.tanh(xn + gates["r"] * (hn + params.b_u))
        return _mixed(state, {"n": n, **gates})


@dataclasses.dataclass(frozen=True)
class ResetFirstGRU(MixedPrecision, Gated[ResetFirstGRUParams]):
    """Gated recurrent unit, its reset gate before the recurrent product.

    Its step does not split, so only executors that take any cell run it.

    Args:
        hidden_size: H, the number of units.
        bias: initial bias of the update gate, `ForgetBias(0.0)` or `Chrono(t_max)`.
        weights: how the weights begin: "orthogonal", "identity" or "uniform".
        dtype: of matrix products, as for `MixedPrecision`.
    """

    hidden_size: Size
    bias: ForgetBias | Chrono = ForgetBias(0.0)
    weights: WeightsKind = "orthogonal"

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> ResetFirstGRUParams:
        size = self.hidden_size
        drawn = draw_weights(self.weights, self.bias, key, ROLES, input_size, size, dtype)
        return ResetFirstGRUParams(*drawn)

    def initial_state(self, params: ResetFirstGRUParams, batch_size: int) -> GRUState:
        return GRUState(zeros(params.w_h, batch_size, self.hidden_size))

    def advance(
        self, params: ResetFirstGRUParams, state: GRUState, x: Float[Array, "B I"]
    ) -> GRUState:
        return self.advance_gated(params, state, x)[0]

    def advance_gated(
        self,
        params: ResetFirstGRUParams,
        state: GRUState,
        x: Float[Array, "B I"],
        held: Held = NOTHING_HELD,
    ) -> tuple[GRUState, Gates]:
        w_gates, w_candidate = jnp.split(params.w_h, [2 * self.hidden_size], axis=-1)
        xr, xz, xn = jnp.split(self.product(x, params.w_x) + params.b, 3, axis=-1)
        hr, hz = jnp.split(self.product(state.h, w_gates), 2, axis=-1)
        gates = {"r": jax.nn.sigmoid(xr + hr), "z": jax.nn.sigmoid(xz + hz), **held}
        n = jnp.tanh(xn + self.product(gates["r"] * state.h, w_candidate))
        return _mixed(state, {"n": n, **gates})

    def output(self, params: ResetFirstGRUParams, state: GRUState) -> Float[Array, "*T B H"]:
        return state.h


def _mixed(state: GRUState, gates: Gates) -> tuple[GRUState, Gates]:
    z, n = gates["z"], gates["n"]
    return GRUState(z * state.h + (1 - z) * n), gates
