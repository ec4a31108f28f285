"""What a cell is: one step of time as pure functions of parameters, a state and an input.

A cell is a frozen, hashable dataclass of hyper-parameters; its parameters and states are
NamedTuples of arrays. The state of all that came before enters a step, the state of all that
comes after leaves it:

    state, output = cell.step(params, state, x)          x (B, I), output (B, H)

so `jax.lax.scan(partial(cell.step, params), state, xs)` runs a whole sequence, and the
executors run it faster. They need the step in three parts, which `SplitCell` states.
"""

import abc
import dataclasses
from typing import Generic, TypeVar

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import Settings

Params = TypeVar("Params", bound=tuple)
State = TypeVar("State", bound=tuple)


@dataclasses.dataclass(frozen=True)
class Cell(Settings, abc.ABC, Generic[Params, State]):
    """One step of time. B is the batch, I the input size, H the output size."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """H, the width of `step`'s output."""

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Params:
        """Draw parameters for inputs of width `input_size`."""

    @abc.abstractmethod
    def initial_state(self, params: Params, batch_size: int) -> State:
        """The state before the first step, and after a reset; each leaf is (B, ...)."""

    @abc.abstractmethod
    def step(
        self, params: Params, state: State, x: Float[Array, "B I"]
    ) -> tuple[State, Float[Array, "B H"]]:
        """Advance by one step of time."""


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
    def feedback(self, state: State) -> Float[Array, "B R"]:
        """What the recurrent product multiplies: h, or h with the gates."""

    @abc.abstractmethod
    def recur(self, params: Params, r: Float[Array, "*T B R"]) -> Float[Array, "*T B Z"]:
        """The recurrent contribution to the pre-activations; linear in `r`."""

    @abc.abstractmethod
    def activate(
        self, params: Params, state: State, zx: Float[Array, "B Z"], zh: Float[Array, "B Z"]
    ) -> State:
        """Gates and nonlinearities."""

    @abc.abstractmethod
    def output(self, params: Params, state: State) -> Float[Array, "*T B H"]:
        """What the cell shows of its state."""

    def step(
        self, params: Params, state: State, x: Float[Array, "B I"]
    ) -> tuple[State, Float[Array, "B H"]]:
        zh = self.recur(params, self.feedback(state))
        state = self.activate(params, state, self.project(params, x), zh)
        return state, self.output(params, state)
