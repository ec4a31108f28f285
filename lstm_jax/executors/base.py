"""What an executor is: a way to carry a step along time.

All executors compute the same function; they differ in speed, memory and what they support.
What they run is normalised by `lstm_jax.unroll` and not checked again.
"""

import abc
import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn

import jax
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Shaped

from lstm_jax.cells import Cell
from lstm_jax.checks import Settings
from lstm_jax.noise import Keyed


class Inputs(NamedTuple):
    """What enters the loop at each step; leaves are (T, B, ...) or absent."""

    xs: Float[Array, "*T B I"]
    keys: Shaped[PRNGKeyArray, "*T B"] | None = None
    mask: Bool[Array, "*T B"] | None = None
    resets: Bool[Array, "*T B"] | None = None

    @property
    def x(self) -> Any:
        """What the cell takes: the inputs, with keys where it draws at each step."""
        return self.xs if self.keys is None else Keyed(self.xs, self.keys)


class Request(NamedTuple):
    """What is known of a call before it runs, and decides who can serve it.

    `inputs` may be arrays, tracers or `jax.ShapeDtypeStruct`; None where only the cell is known.
    """

    cell: Cell
    platform: str
    inputs: Inputs | None = None


@dataclasses.dataclass(frozen=True)
class Layered(Cell):
    """Layers as one cell that has no step, for executors that take them at once.

    Its parameters and its state are trees that hold those of the cells in the order of `cells`.

    Args:
        cells: the lowest layer first; of a layer that runs both ways, the forward cell first.
        directions: cells in each layer.
    """

    cells: tuple[Cell, ...]
    directions: Literal[1, 2]


@dataclasses.dataclass(frozen=True)
class Executor(Settings, abc.ABC):
    """A way to carry a step along time; its fields say how."""

    automatic: ClassVar[bool] = True
    """Whether `executor="auto"` may take it."""

    takes_layers: ClassVar[bool] = False
    """Whether it can be given a `Layered` cell: several layers or directions at once."""

    drawback: ClassVar[str]
    """What speaks against it where another one can serve as well."""

    @abc.abstractmethod
    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        """The final state and the outputs (T, B, H), zero where `inputs.mask` is False.

        Outputs are whatever tree `cell.output` gives.
        """

    def unsupported(self, request: Request) -> str | None:
        """The reason why this executor cannot serve a call, or None where it can."""
        if isinstance(request.cell, Layered) and not self.takes_layers:
            return "it takes one layer at a time"
        return None


_platform: contextvars.ContextVar[str | None] = contextvars.ContextVar("platform", default=None)


def platform() -> str:
    """What a call is compiled for: "cpu", "gpu" or "tpu"."""
    return _platform.get() or jax.default_backend()


@contextlib.contextmanager
def compiling_for(name: str) -> Iterator[None]:
    """Choose executors as for another platform, to compile for it where it is not.

    >>> with compiling_for("tpu"):
    ...     platform()
    'tpu'
    """
    token = _platform.set(name)
    try:
        yield
    finally:
        _platform.reset(token)


def once_differentiable(run: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, which says so where it is differentiated: one of a `custom_vjp`'s two.

    Raises TypeError then.
    """
    whole = jax.custom_jvp(run)

    @whole.defjvp
    def refuse(primals: tuple, tangents: tuple) -> NoReturn:
        raise TypeError(f"executor {name!r} has first derivatives alone; executor='scan' has all")

    return whole
