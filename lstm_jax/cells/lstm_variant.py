"""The LSTM's published variants: one cell, whose options add or take away a part each.

    zx = W x + b,  zh = U y                 y = h, or P h with a projection
    i = sigmoid(z_i + p_i c)                input gate; or 1 - f' (coupled), or 1 (none)
    f = sigmoid(z_f + p_f c)                forget gate; or 1
    g = tanh(z_g)                           candidate; or z_g
    c = f * c + i * g
    o = sigmoid(z_o + p_o c)                output gate, which sees the new c; or 1
    h = o * tanh(c)                         or o * c

with f' = sigmoid(z_f + p_f c - shift). Sources of the options:

    peepholes           Gers, Schraudolph & Schmidhuber 2002: the gates see the cell state
    input_gate          "coupled": Greff et al. 2015 (CIFG); with a shift, and no output gate:
                        van der Westhuizen & Lasenby 2018 (JANET). "none": Greff's NIG
    forget_gate, output_gate, input_activation, output_activation
                        False: Greff's NFG, NOG, NIAF, NOAF
    gate_recurrence     Greff's FGR: z_i, z_f and z_o get a product of the former gates as well
    projection_size     Sak, Senior & Beaufays 2014 (LSTMP): what feeds back, and what the cell
                        shows, is P h. As the state keeps h itself, the loop has no product after
                        the gates
    layer_norm          Ba, Kiros & Hinton 2016, equations 20 to 22: zx, zh and the c that tanh
                        sees are normalised over all their units
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.cells.base import NOTHING_HELD, GatedCell, Gates, Gating, Held, MixedPrecision, zeros
from lstm_jax.checks import Size
from lstm_jax.initializers import Chrono, ForgetBias, WeightsKind, draw_weights

EPSILON = 1e-5
"""Added to a variance before its root."""


class LayerNormParams(NamedTuple):
    """Gains of the input's part, the recurrent part and the cell state; Z = G*H packed gates."""

    gain_x: Float[Array, " Z"]
    gain_h: Float[Array, " Z"]
    gain_c: Float[Array, " H"]
    bias_c: Float[Array, " H"]


class LSTMVariantParams(NamedTuple):
    """Weights of the G gates there are, packed in the order i, f, g, o; None for what is not.

    R is P with a projection, else H; K counts the gates without g.
    """

    w_x: Float[Array, "I G*H"]
    w_h: Float[Array, "R G*H"]
    b: Float[Array, " G*H"]
    w_p: Float[Array, "H P"] | None = None
    w_gates: Float[Array, "K*H K*H"] | None = None
    p_i: Float[Array, " H"] | None = None
    p_f: Float[Array, " H"] | None = None
    p_o: Float[Array, " H"] | None = None
    norm: LayerNormParams | None = None


class LSTMVariantState(NamedTuple):
    """What the cell carries: c, h before any projection, and the gates where they feed back."""

    c: Float[Array, "B H"]
    h: Float[Array, "B H"]
    gates: Float[Array, "B K*H"] | None = None


@dataclasses.dataclass(frozen=True)
class LSTMVariant(MixedPrecision, GatedCell[LSTMVariantParams, LSTMVariantState]):
    """Long short-term memory with parts added or taken away, by options.

    The module says what each of them does, and where it comes from.

    Args:
        hidden_size: H, the number of cells.
        bias, weights: initial gate biases and weights, as for `LSTM`.
        peepholes: whether the gates see the cell state.
        input_gate: "own", "coupled" to the forget gate, or "none".
        coupled_shift: subtracted from the forget gate's argument where the input gate is 1 - f.
        forget_gate, output_gate: whether there is one.
        input_activation, output_activation: whether tanh squashes the candidate, and c.
        gate_recurrence: whether the gates feed back into the gates.
        projection_size: P, the width of what feeds back and is shown; without one, H.
        layer_norm: whether pre-activations and cell state are normalised.
        dtype: of matrix products, as for `MixedPrecision`.

    With its defaults it is `LSTM`. Raises ValueError for an input gate coupled to a forget gate
    that is not there, a shift of one that is not coupled, or a feedback of gates without any.

    >>> cell = LSTMVariant(hidden_size=3, peepholes=True, input_gate="coupled")
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> params.w_x.shape, params.p_f.shape, params.p_i
    ((2, 9), (3,), None)
    """

    hidden_size: Size
    bias: ForgetBias | Chrono = ForgetBias()
    weights: WeightsKind = "orthogonal"
    _: dataclasses.KW_ONLY
    peepholes: bool = False
    input_gate: Literal["own", "coupled", "none"] = "own"
    coupled_shift: float = 0.0
    forget_gate: bool = True
    output_gate: bool = True
    input_activation: bool = True
    output_activation: bool = True
    gate_recurrence: bool = False
    projection_size: Size | None = None
    layer_norm: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        name, coupled = type(self).__name__, self.input_gate == "coupled"
        if coupled and not self.forget_gate:
            raise ValueError(f"{name}.input_gate is 'coupled' but forget_gate is False")
        if self.coupled_shift and not coupled:
            raise ValueError(
                f"{name}.coupled_shift is {self.coupled_shift} but input_gate is "
                f"{self.input_gate!r}; only a coupled one is shifted"
            )

        if self.gate_recurrence and self.gates == "g":
            raise ValueError(f"{name}.gate_recurrence is True but there is no gate to feed back")

    @property
    def output_size(self) -> int:
        return self.projection_size or self.hidden_size

    @property
    def gates(self) -> str:
        """The packed gates that there are, g among them."""
        there = {"i": self.input_gate == "own", "f": self.forget_gate, "o": self.output_gate}
        return "".join(name for name in "ifgo" if there.get(name, True))

    @property
    def gating(self) -> Gating:
        coupled = ("i",) if self.input_gate == "coupled" else ()
        own = (name for name in self.gates if name != "g")
        return Gating((*coupled, *own), candidate="g", memory="c")

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> LSTMVariantParams:
        hidden, gates = self.hidden_size, self.gates
        key, key_p, key_gates = jax.random.split(key, 3)
        drawn = draw_weights(
            self.weights, self.bias, key, gates, input_size, hidden, dtype, self.output_size
        )
        optional: dict[str, Any] = {}
        lecun = jax.nn.initializers.lecun_uniform()
        if self.projection_size:
            optional["w_p"] = lecun(key_p, (hidden, self.projection_size), dtype)
        if self.gate_recurrence:
            width = (len(gates) - 1) * hidden
            optional["w_gates"] = lecun(key_gates, (width, width), dtype)
        if self.peepholes:
            optional |= {f"p_{name}": jnp.zeros(hidden, dtype) for name in gates if name != "g"}
        if self.layer_norm:
            gain, bias = jnp.ones_like(drawn.b), jnp.zeros(hidden, dtype)
            optional["norm"] = LayerNormParams(gain, gain, jnp.ones_like(bias), bias)
        return LSTMVariantParams(*drawn, **optional)

    def initial_state(self, params: LSTMVariantParams, batch_size: int) -> LSTMVariantState:
        start = zeros(params.w_h, batch_size, self.hidden_size)
        gates = None
        if params.w_gates is not None:
            gates = zeros(params.w_h, batch_size, params.w_gates.shape[0])
        return LSTMVariantState(c=start, h=start, gates=gates)

    def project(
        self, params: LSTMVariantParams, x: Float[Array, "*T B I"]
    ) -> Float[Array, "*T B Z"]:
        zx = self.product(x, params.w_x)
        if params.norm is not None:
            zx = normalised(zx) * params.norm.gain_x
        return zx + params.b

    def feedback(self, state: LSTMVariantState) -> Float[Array, "*T B R"]:
        if state.gates is None:
            return state.h
        return jnp.concatenate([state.h, state.gates], axis=-1)

    def recur(self, params: LSTMVariantParams, r: Float[Array, "*T B R"]) -> Float[Array, "*T B Z"]:
        h, gates = jnp.split(r, [self.hidden_size], axis=-1)
        zh = self.product(self._shown(params, h), params.w_h)
        if params.w_gates is None:
            return zh
        before_g = self.gates.index("g") * self.hidden_size
        early, late = jnp.split(self.product(gates, params.w_gates), [before_g], axis=-1)
        return zh + jnp.concatenate([early, jnp.zeros_like(h), late], axis=-1)

    def activate_gated(
        self,
        params: LSTMVariantParams,
        state: LSTMVariantState,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[LSTMVariantState, Gates]:
        """`activate`, and the gates that there are, a coupled input gate among them.

        What is held multiplies; what is coupled to it, or feeds back, is the gate that it stands
        in for.
        """
        if params.norm is not None:
            zh = normalised(zh) * params.norm.gain_h
        parts = jnp.split(zx + zh, len(self.gates), axis=-1)
        z = dict(zip(self.gates, parts, strict=True))

        def gate(name: str, c: Array, shift: float = 0.0) -> Array:
            if name not in z:
                return jnp.ones_like(c)
            peephole = getattr(params, f"p_{name}")
            seen = z[name] if peephole is None else z[name] + peephole * c
            return jax.nn.sigmoid(seen - shift if shift else seen)

        own = {"f": gate("f", state.c)}
        if self.input_gate == "coupled":
            own["i"] = 1 - gate("f", state.c, self.coupled_shift)
        else:
            own["i"] = gate("i", state.c)
        own["g"] = jnp.tanh(z["g"]) if self.input_activation else z["g"]
        used = {**own, **held}
        c = used["f"] * state.c + used["i"] * used["g"]
        own["o"] = gate("o", c)
        used = {**own, **held}
        h = used["o"] * self._squashed(params, c)
        fed_back = None
        if params.w_gates is not None:
            gates = [own[name] for name in self.gates if name != "g"]
            fed_back = jnp.concatenate(gates, axis=-1)
        there = {name: used[name] for name in (*self.gating.gates, "g")}
        return LSTMVariantState(c, h, fed_back), there

    def retention(self, gates: Mapping[str, Any]) -> Any:
        return gates["f"] if self.forget_gate else 1.0

    def output(self, params: LSTMVariantParams, state: LSTMVariantState) -> Float[Array, "*T B P"]:
        return self._shown(params, state.h)

    def _shown(self, params: LSTMVariantParams, h: Float[Array, "*B H"]) -> Float[Array, "*B P"]:
        return h if params.w_p is None else self.product(h, params.w_p)

    def _squashed(self, params: LSTMVariantParams, c: Float[Array, "*B H"]) -> Float[Array, "*B H"]:
        if params.norm is not None:
            c = normalised(c) * params.norm.gain_c + params.norm.bias_c
        return jnp.tanh(c) if self.output_activation else c


def normalised(values: Float[Array, "*B N"]) -> Float[Array, "*B N"]:
    """Shifted and scaled to mean 0 and variance 1 over the last axis."""
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = jnp.mean(centred**2, axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + EPSILON)
