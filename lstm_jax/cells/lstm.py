"""The long short-term memory cell: read this file first.

    i = sigmoid(W_i x + U_i h + b_i)        input gate:  what to write
    f = sigmoid(W_f x + U_f h + b_f)        forget gate: what to keep
    g = tanh   (W_g x + U_g h + b_g)        candidate:   the new content
    o = sigmoid(W_o x + U_o h + b_o)        output gate: what to show
    c = f * c + i * g                       cell state
    h = o * tanh(c)                         hidden state, the output

The cell state meets no matrix and no squashing on its way through time, only f: where f
stays near 1, both c and the gradient dL/dc pass through unchanged, however long the gap.
An Elman network multiplies by the same matrix at every step instead, and forgets.

Sources: Hochreiter & Schmidhuber 1997 (cell state, input and output gates); Gers,
Schmidhuber & Cummins 2000 (forget gate). The four gates are packed in one array, in the
order i, f, g, o, everywhere in this package.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.cells.base import NOTHING_HELD, DenseCell, Gates, Gating, Held, zeros
from lstm_jax.initializers import Chrono, ForgetBias, WeightsKind, draw_weights


class LSTMParams(NamedTuple):
    """Weights of the four gates, packed i, f, g, o along the last axis."""

    w_x: Float[Array, "I 4*H"]
    w_h: Float[Array, "H 4*H"]
    b: Float[Array, " 4*H"]


class LSTMState(NamedTuple):
    """What an LSTM carries from one step to the next."""

    c: Float[Array, "B H"]
    h: Float[Array, "B H"]


@jax.custom_jvp
def lstm_gates(z: Float[Array, "*B Z"], c: Float[Array, "*B H"]) -> LSTMState:
    """The new state from the packed pre-activations z = W x + U h + b and the old cell state."""
    i, f, g, o = jnp.split(_squash(z), 4, axis=-1)
    return _carry(i, f, g, o, c)


@lstm_gates.defjvp
def _lstm_gates_jvp(primals: tuple, tangents: tuple) -> tuple[LSTMState, LSTMState]:
    """What JAX would derive, with all that multiplies dz gathered in one packed array.

    So a backward loop loads six arrays of (B, H) a step, not eleven.
    """
    (z, c_before), (dz, dc) = primals, tangents
    i, f, g, o = jnp.split(_squash(z), 4, axis=-1)
    c = f * c_before + i * g
    shown = jnp.tanh(c)
    slopes = [g * (i * (1 - i)), c_before * (f * (1 - f)), i * (1 - g * g), shown * (o * (1 - o))]
    di, df, dg, do = jnp.split(jnp.concatenate(slopes, axis=-1) * dz, 4, axis=-1)
    dc = f * dc + (di + df + dg)
    dh = (o * (1 - shown * shown)) * dc + do
    return LSTMState(c, o * shown), LSTMState(dc, dh)


def _carry(i: Array, f: Array, g: Array, o: Array, c: Float[Array, "*B H"]) -> LSTMState:
    c = f * c + i * g
    h = o * jnp.tanh(c)
    return LSTMState(c, h)


def _squash(z: Float[Array, "*B Z"]) -> Float[Array, "*B Z"]:
    """The sigmoid of i, f and o and the tanh of g, in one sweep with one exponential.

    XLA's CPU backend vectorises a sweep over the packed array, and not one over four slices of
    an array that it reads from a longer one. tanh(z) = 2 sigmoid(2 z) - 1 has an absolute error of
    a rounding of 1, where `jnp.tanh` of a small z has a relative one; gates keep all their digits.
    """
    width = z.shape[-1] // 4
    place = jnp.arange(4 * width)
    is_g = (2 * width <= place) & (place < 3 * width)
    gates = jax.nn.sigmoid(jnp.where(is_g, 2, 1).astype(z.dtype) * z)
    return jnp.where(is_g, 2 * gates - 1, gates)


def lstm_step(
    params: LSTMParams, state: LSTMState, x: Float[Array, "*B I"]
) -> tuple[LSTMState, Float[Array, "*B H"]]:
    """One step of an LSTM: a pure function that `jax.lax.scan` can run over time.

    Args:
        params: weights (I, 4H) and (H, 4H) and bias (4H,).
        state: cell state c and hidden state h, each (B, H) or (H,).
        x: the input of this step, (B, I) or (I,).

    Returns:
        The new state, and its h as the output.

    >>> from functools import partial
    >>> params = LSTM(hidden_size=3).init(jax.random.key(0), input_size=2)
    >>> start = LSTMState(c=jnp.zeros(3), h=jnp.zeros(3))
    >>> xs = jax.random.normal(jax.random.key(1), (5, 2))
    >>> state, hs = jax.lax.scan(partial(lstm_step, params), start, xs)
    >>> hs.shape
    (5, 3)
    """
    z = x @ params.w_x + state.h @ params.w_h + params.b
    state = lstm_gates(z, state.c)
    return state, state.h


@dataclasses.dataclass(frozen=True)
class LSTM(DenseCell[LSTMParams, LSTMState]):
    """Long short-term memory with a forget gate.

    Args:
        hidden_size: H, the number of cells.
        bias: initial gate biases, `ForgetBias(1.0)` or `Chrono(t_max)`.
        weights: how the weights begin, each gate on its own: "orthogonal" (the recurrent ones),
            "identity", or "uniform" as in torch (with `ForgetBias(0.0)`).
        dtype: of matrix products, as for `MixedPrecision`.

    >>> cell = LSTM(hidden_size=3)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> jax.tree.map(jnp.shape, params)
    LSTMParams(w_x=(2, 12), w_h=(3, 12), b=(12,))
    """

    bias: ForgetBias | Chrono = ForgetBias()
    weights: WeightsKind = "orthogonal"

    @property
    def gating(self) -> Gating:
        return Gating(("i", "f", "o"), candidate="g", memory="c")

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> LSTMParams:
        size = self.hidden_size
        drawn = draw_weights(self.weights, self.bias, key, "ifgo", input_size, size, dtype)
        return LSTMParams(*drawn)

    def initial_state(self, params: LSTMParams, batch_size: int) -> LSTMState:
        start = zeros(params.w_h, batch_size, self.hidden_size)
        return LSTMState(c=start, h=start)

    def activate(
        self, params: LSTMParams, state: LSTMState, zx: Float[Array, "B Z"], zh: Float[Array, "B Z"]
    ) -> LSTMState:
        return lstm_gates(zx + zh, state.c)

    def activate_gated(
        self,
        params: LSTMParams,
        state: LSTMState,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[LSTMState, Gates]:
        gates = dict(zip("ifgo", jnp.split(_squash(zx + zh), 4, axis=-1), strict=True))
        gates |= held
        return _carry(**gates, c=state.c), gates

    def retention(self, gates: Mapping[str, Any]) -> Any:
        return gates["f"]
