"""The LSTM of 1997: memory blocks whose cells share their gates, and no forget gate.

    i = sigmoid(W_i x + U_i r + b_i)        one for each block
    g = 4 sigmoid(W_g x + U_g r + b_g) - 2  one for each cell, in [-2, 2]
    c = c + i * g                           or f * c + i * g, with f as i (Gers et al. 2000)
    o = sigmoid(W_o x + U_o r + b_o)        one for each block
    h = o * (2 sigmoid(c) - 1)              the squashed cell state is in [-1, 1]
    r = h and all gates, of the step before

Hochreiter & Schmidhuber 1997, appendix A.1. Their truncated gradient cuts what flows back through
r: an error that leaves a memory block by its net inputs is not followed, so that within the
blocks it flows through c alone and unchanged. To differentiate, r is then a constant.

The ranges of g and of the squashed cell state are those of their equations 4 and 5. The caption of
their table 10 has them the other way round, with which experiments 1 and 2c come out as published
more often (docs/results.md): `limits=(1.0, 2.0)`.

The counts of weights that the paper states hold for what feeds back into all cells and gates
(tests/lstm_jax/cells/test_lstm1997.py has them); in Gers et al. 2000 only the cells' h do.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Gt
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.cells.base import NOTHING_HELD, GatedCell, Gates, Gating, Held, MixedPrecision, zeros
from lstm_jax.checks import Size
from lstm_jax.initializers import check_init

Limit = Annotated[float, Gt(0.0)]


class LSTM1997Params(NamedTuple):
    """Weights packed i, f, g, o (those there are): a gate has K columns, the candidate g has H.

    The biases of the gates alone are packed without g; None without any.
    """

    w_x: Float[Array, "I Z"]
    w_h: Float[Array, "R Z"]
    b: Float[Array, " Z"] | None


class LSTM1997State(NamedTuple):
    """What the cell carries; the gates only where they feed back."""

    c: Float[Array, "B H"]
    h: Float[Array, "B H"]
    gates: Float[Array, "B N*K"] | None = None


@dataclasses.dataclass(frozen=True)
class LSTM1997(MixedPrecision, GatedCell[LSTM1997Params, LSTM1997State]):
    """Memory blocks with constant error carousels.

    Args:
        hidden_size: H, the number of cells, in K = H / block_size blocks.
        block_size: the cells of a block.
        forget_gate, output_gate: whether each block has one.
        fed_back: what feeds back into cells and gates: "all" (h and gates), "cells" (h) or "none".
        truncated: whether derivatives take what feeds back for a constant.
        limits: the largest g and the largest squashed cell state, whose least are their negatives;
            None for a g in [0, 1] and the cell's state as it is, as in experiments 2a and 2b.
        biased: what has a bias: "all", "gates" or "none".
        scale: weights, and biases that are not given, begin in U[-scale, scale].
        input_bias, forget_bias, output_bias: initial gate biases, one for each block; left out,
            they begin as the weights do.
        dtype: of matrix products, as for `MixedPrecision`.

    Raises ValueError where block_size does not divide hidden_size, for biases of a gate that is
    not there or has none, or for as many as there are not blocks.

    >>> cell = LSTM1997(hidden_size=4, block_size=2, output_bias=(-1.0, -2.0))
    >>> params = cell.init(jax.random.key(0), input_size=7)
    >>> params.w_x.shape, params.w_h.shape, params.b[-2:].tolist()
    ((7, 8), (8, 8), [-1.0, -2.0])
    """

    hidden_size: Size
    _: dataclasses.KW_ONLY
    block_size: Size = 1
    forget_gate: bool = False
    output_gate: bool = True
    fed_back: Literal["all", "cells", "none"] = "all"
    truncated: bool = False
    limits: tuple[Limit, Limit] | None = (2.0, 1.0)
    biased: Literal["all", "gates", "none"] = "all"
    scale: Annotated[float, Gt(0.0)] = 0.1
    input_bias: tuple[float, ...] = ()
    forget_bias: tuple[float, ...] = ()
    output_bias: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % self.block_size:
            raise ValueError(
                f"LSTM1997.hidden_size must be a multiple of block_size={self.block_size}, "
                f"got {self.hidden_size}"
            )
        for gate, bias in self._given_biases.items():
            if bias and gate not in self._biased_gates:
                raise ValueError(f"LSTM1997 got biases {bias} for a gate {gate!r} without any")
            if len(bias) not in (0, self.blocks):
                raise ValueError(
                    f"LSTM1997 has {self.blocks} blocks, got {len(bias)} biases for their "
                    f"gates {gate!r}: {bias}"
                )

    @property
    def blocks(self) -> int:
        """K."""
        return self.hidden_size // self.block_size

    @property
    def gates(self) -> str:
        """The gates that there are, without the candidate."""
        return "i" + "f" * self.forget_gate + "o" * self.output_gate

    @property
    def gating(self) -> Gating:
        return Gating(tuple(self.gates), candidate="g", memory="c")

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> LSTM1997Params:
        check_init(input_size, dtype)
        key_x, key_h, key_b = jax.random.split(key, 3)
        width = self.hidden_size + len(self.gates) * self.blocks
        fed_back = {"all": width, "cells": self.hidden_size, "none": 0}[self.fed_back]

        def uniform(key: PRNGKeyArray, *shape: int) -> Array:
            return jax.random.uniform(key, shape, dtype, -self.scale, self.scale)

        biases = {
            gate: uniform(jax.random.fold_in(key_b, n), self._width(gate))
            for n, gate in enumerate(self._biased_gates)
        }
        for gate, given in self._given_biases.items():
            if given:
                biases[gate] = jnp.asarray(given, dtype)
        return LSTM1997Params(
            w_x=uniform(key_x, input_size, width),
            w_h=uniform(key_h, fed_back, width),
            b=jnp.concatenate([*biases.values()]) if biases else None,
        )

    def initial_state(self, params: LSTM1997Params, batch_size: int) -> LSTM1997State:
        start = zeros(params.w_h, batch_size, self.hidden_size)
        gates = None
        if self.fed_back == "all":
            gates = zeros(params.w_h, batch_size, len(self.gates) * self.blocks)
        return LSTM1997State(c=start, h=start, gates=gates)

    def project(self, params: LSTM1997Params, x: Float[Array, "*T B I"]) -> Float[Array, "*T B Z"]:
        zx = self.product(x, params.w_x)
        if params.b is None:
            return zx
        if self.biased == "all":
            return zx + params.b
        before_g = (1 + self.forget_gate) * self.blocks
        early, late = jnp.split(params.b, [before_g])
        return zx + jnp.concatenate([early, jnp.zeros(self.hidden_size, zx.dtype), late])

    def feedback(self, state: LSTM1997State) -> Float[Array, "*T B R"]:
        if self.fed_back == "none":
            return state.h[..., :0]
        r = state.h if state.gates is None else jnp.concatenate([state.h, state.gates], axis=-1)
        return jax.lax.stop_gradient(r) if self.truncated else r

    def recur(self, params: LSTM1997Params, r: Float[Array, "*T B R"]) -> Float[Array, "*T B Z"]:
        return self.product(r, params.w_h)

    def activate_gated(
        self,
        params: LSTM1997Params,
        state: LSTM1997State,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[LSTM1997State, Gates]:
        """`activate`, and each gate for every cell of its block.

        What is held multiplies; what feeds back is the gate that it stands in for.
        """
        before_g = (1 + self.forget_gate) * self.blocks
        early, z_g, late = jnp.split(zx + zh, [before_g, before_g + self.hidden_size], axis=-1)
        gates = jax.nn.sigmoid(jnp.concatenate([early, late], axis=-1))
        by_block = jnp.split(gates, len(self.gates), axis=-1)
        value = {
            gate: jnp.repeat(block, self.block_size, axis=-1)
            for gate, block in zip(self.gates, by_block, strict=True)
        }
        value |= held
        kept = value["f"] * state.c if self.forget_gate else state.c
        value.setdefault("g", self._candidate(z_g))
        c = kept + value["i"] * value["g"]
        h = self._squashed(c)
        if self.output_gate:
            h = value["o"] * h
        return LSTM1997State(c, h, gates if self.fed_back == "all" else None), value

    def retention(self, gates: Mapping[str, Any]) -> Any:
        return gates["f"] if self.forget_gate else 1.0

    def output(self, params: LSTM1997Params, state: LSTM1997State) -> Float[Array, "*T B H"]:
        return state.h

    def _candidate(self, z: Array) -> Array:
        return jax.nn.sigmoid(z) if self.limits is None else _logistic(z, self.limits[0])

    def _squashed(self, c: Array) -> Array:
        return c if self.limits is None else _logistic(c, self.limits[1])

    def _width(self, gate: str) -> int:
        return self.hidden_size if gate == "g" else self.blocks

    @property
    def _biased_gates(self) -> str:
        """Those that have biases, in packed order."""
        if self.biased == "all":
            return "".join(sorted("g" + self.gates, key="ifgo".index))
        return self.gates if self.biased == "gates" else ""

    @property
    def _given_biases(self) -> dict[str, tuple[float, ...]]:
        return {"i": self.input_bias, "f": self.forget_bias, "o": self.output_bias}


def _logistic(x: Array, limit: float) -> Array:
    """The logistic function, from -limit to limit."""
    return 2 * limit * jax.nn.sigmoid(x) - limit
