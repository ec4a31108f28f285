"""What a cell is: one step of time as pure functions of parameters, a state and an input.

A cell is a frozen, hashable dataclass of hyper-parameters; its parameters and states are
NamedTuples of arrays. The state of all that came before enters a step, the state of all that
comes after leaves it:

    state, output = cell.step(params, state, x)          x (B, I), output (B, H)

so `jax.lax.scan(partial(cell.step, params), state, xs)` runs a whole sequence, and the
executors run it faster. They need the step in parts, which `SplitCell` states.
"""

import abc
import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import Settings, Size
from lstm_jax.noise import Noise

Params = TypeVar("Params", bound=tuple)
State = TypeVar("State", bound=tuple)

Gates = dict[str, Array]
"""Gates and candidate of a step by their names in the cell's equations, each (B, H)."""

Held = Mapping[str, Array]
"""Values (H,) or (B, H) that stand in for gates of those names."""

NOTHING_HELD: Held = types.MappingProxyType({})


class Gating(NamedTuple):
    """What the parts of a gated step are called.

    Args:
        gates: those that there are, each a number in 0..1 for every unit and step.
        candidate: the new content.
        memory: the part of the state that holds it.
    """

    gates: tuple[str, ...]
    candidate: Literal["g", "n"]
    memory: Literal["c", "h"]


@dataclasses.dataclass(frozen=True)
class Cell(Settings, abc.ABC, Generic[Params, State]):
    """One step of time. B is the batch, I the input size, H the output size."""

    @property
    def gating(self) -> "Gating | None":
        """What the cell's gates are called; None without any."""
        return None

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """H, the width of `step`'s output."""

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Params:
        """Draw parameters for inputs of width `input_size`."""

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> Params:
        """What `init` will give, as `jax.ShapeDtypeStruct`."""
        return jax.eval_shape(lambda key: self.init(key, input_size, dtype), jax.random.key(0))

    @abc.abstractmethod
    def initial_state(self, params: Params, batch_size: int) -> State:
        """The state before the first step, and after a reset; each leaf is (B, ...)."""

    @abc.abstractmethod
    def advance(self, params: Params, state: State, x: Float[Array, "B I"]) -> State:
        """The state after a step."""

    def advance_gated(
        self, params: Params, state: State, x: Float[Array, "B I"], held: Held = NOTHING_HELD
    ) -> tuple[State, Gates]:
        """`advance`, and the gates and candidate of the step, of which some may be held."""
        return self.advance(params, state, x), {}

    def retention(self, gates: Mapping[str, Any]) -> Any:
        """The share of its memory that each unit keeps over a step, as gates of any shape say.

        None for a cell without gates.
        """
        return None

    @abc.abstractmethod
    def output(self, params: Params, state: State) -> Float[Array, "*T B H"]:
        """What the cell shows of its state; any leading axes."""

    def step(
        self, params: Params, state: State, x: Float[Array, "B I"]
    ) -> tuple[State, Float[Array, "B H"]]:
        """Advance by one step of time: the new state, and what the cell shows of it."""
        state = self.advance(params, state, x)
        return state, self.output(params, state)

    @property
    def splits(self) -> bool:
        """Whether the step splits as `SplitCell` states."""
        return False

    @property
    def draws(self) -> bool:
        """Whether the cell does something else given noise than without."""
        return False

    @property
    def draws_each_step(self) -> bool:
        """Whether, given noise, the cell reads a `Keyed` input at every step."""
        return False

    def disturb(self, params: Params, noise: Noise, batch_size: int) -> Any:
        """The parameters for one sequence in training: what a regulariser draws once for it."""
        return params


class SplitCell(Cell[Params, State]):
    """A cell whose step splits at its only recurrent matrix product.

        zx    = project(params, x)                  the input's part; any leading axes
        zh    = recur(params, feedback(state))      linear, the only product inside the loop
        state = activate(params, state, zx, zh)     all the rest, without a matrix product
        y     = output(params, state)               any leading axes

    `project` and `output` can serve a whole sequence at once, before and after the loop.
    """

    @abc.abstractmethod
    def project(self, params: Params, x: Float[Array, "*T B I"]) -> Float[Array, "*T B Z"]:
        """The input's contribution to the pre-activations, bias included."""

    @abc.abstractmethod
    def feedback(self, state: State) -> Float[Array, "*T B R"]:
        """What the recurrent product multiplies: h, or h with the gates."""

    @abc.abstractmethod
    def recur(self, params: Params, r: Float[Array, "*T B R"]) -> Float[Array, "*T B Z"]:
        """The recurrent contribution to the pre-activations; linear in `r`."""

    @abc.abstractmethod
    def activate(
        self, params: Params, state: State, zx: Float[Array, "B Z"], zh: Float[Array, "B Z"]
    ) -> State:
        """Gates and nonlinearities."""

    def activate_gated(
        self,
        params: Params,
        state: State,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[State, Gates]:
        """`activate`, and the gates and candidate of the step, of which some may be held."""
        return self.activate(params, state, zx, zh), {}

    def advance_gated(
        self, params: Params, state: State, x: Float[Array, "B I"], held: Held = NOTHING_HELD
    ) -> tuple[State, Gates]:
        zh = self.recur(params, self.feedback(state))
        return self.activate_gated(params, state, self.project(params, x), zh, held)

    def advance(self, params: Params, state: State, x: Float[Array, "B I"]) -> State:
        zh = self.recur(params, self.feedback(state))
        return self.activate(params, state, self.project(params, x), zh)

    @property
    def splits(self) -> bool:
        return True


class GatedCell(SplitCell[Params, State]):
    """A split cell that tells its gates, and says its step once: in `activate_gated`."""

    def activate(
        self, params: Params, state: State, zx: Float[Array, "B Z"], zh: Float[Array, "B Z"]
    ) -> State:
        return self.activate_gated(params, state, zx, zh)[0]

    @abc.abstractmethod
    def activate_gated(
        self,
        params: Params,
        state: State,
        zx: Float[Array, "B Z"],
        zh: Float[Array, "B Z"],
        held: Held = NOTHING_HELD,
    ) -> tuple[State, Gates]: ...


SMALL_PRODUCT = 2048
"""Multiplications up to which the product of a step is written as sums: XLA joins these to the
arithmetic around them, and on a CPU takes about as long to begin a product (docs/executors.md)."""

AS_SUMS = "product_as_sums"
"""What such a product, and its gradient's, are called in a program (`jax.named_scope`)."""


@dataclasses.dataclass(frozen=True)
class MixedPrecision(Settings):
    """Matrix products in a type of their own.

    Args:
        dtype: what the operands of every product are rounded to; left out, they stay as they
            are. Products add up in float32, and the state keeps the type of the parameters.
    """

    dtype: Literal["bfloat16", "float16", "float32"] | None = dataclasses.field(
        default=None, kw_only=True
    )

    def product(self, x: Float[Array, "*B M"], w: Float[Array, "M N"]) -> Float[Array, "*B N"]:
        """The product x w; that of a step (B, M), where it is small, as sums.

        All leading axes become one: over several, XLA would transpose x or its gradient for the
        gradient of w.
        """
        if self.dtype is None and x.ndim == 2 and len(x) * w.size <= SMALL_PRODUCT:
            with jax.named_scope(AS_SUMS):
                return (x[:, :, None] * w).sum(axis=1)
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        if self.dtype is None:
            y = rows @ w
        else:
            rounded = rows.astype(self.dtype), w.astype(self.dtype)
            y = jnp.matmul(*rounded, preferred_element_type=jnp.float32).astype(w.dtype)
        return y.reshape(*x.shape[:-1], w.shape[-1])


@dataclasses.dataclass(frozen=True)
class DenseCell(MixedPrecision, SplitCell[Params, State]):
    """A cell with weights w_x (I, Z) and w_h (H, Z) and biases b (Z,), which shows its h."""

    hidden_size: Size

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def project(self, params: Any, x: Float[Array, "*T B I"]) -> Float[Array, "*T B Z"]:
        return self.product(x, params.w_x) + params.b

    def feedback(self, state: Any) -> Float[Array, "*T B H"]:
        return state.h

    def recur(self, params: Any, r: Float[Array, "*T B H"]) -> Float[Array, "*T B Z"]:
        return self.product(r, params.w_h)

    def output(self, params: Any, state: Any) -> Float[Array, "*T B H"]:
        return state.h


def widen(params: Params) -> Params:
    """Parameters stored in fewer bits than float32, in float32: computed with, and added up in."""
    return jax.tree.map(lambda leaf: leaf.astype(state_dtype(leaf)), params)


def state_dtype(weights: Array) -> Any:
    """The type of a state beside such weights: at least float32."""
    dtype = jnp.result_type(weights)
    return dtype if dtype.itemsize >= 4 else jnp.dtype(jnp.float32)


def zeros(weights: Array, batch_size: int, width: int) -> Float[Array, "B {width}"]:
    """A state of zeros beside such weights."""
    return jnp.zeros((batch_size, width), state_dtype(weights))
