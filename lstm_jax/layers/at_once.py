"""Several layers or directions in one run, by an executor that takes them at once.

What comes back is what they give one by one; where an executor does not serve them all together,
they run one by one.
"""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, PRNGKeyArray

from lstm_jax import arguments
from lstm_jax.cells import Cell, widen
from lstm_jax.executors import EXECUTORS, Executor, Inputs, Layered, Request, platform
from lstm_jax.layers.base import Layer
from lstm_jax.unroll import unroll


@dataclasses.dataclass(frozen=True)
class AtOnce(Layered):
    """A layer's cells as one; parameters and states are those of the layer."""

    layer: Layer

    @property
    def output_size(self) -> int:
        return sum(cell.output_size for cell in self.cells[-self.directions :])

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        return self.layer.init(key, input_size, dtype)

    def initial_state(self, params: Any, batch_size: int) -> Any:
        return self.layer.initial_state(params, batch_size)

    def advance(self, params: Any, state: Any, x: Any) -> Any:
        raise TypeError("layers at once run whole sequences; they have no step")

    def output(self, params: Any, state: Any) -> Any:
        raise TypeError("layers at once run whole sequences; they have no step")


def unroll_at_once(
    layer: Layer,
    cells: tuple[Cell, ...],
    directions: Literal[1, 2],
    params: Any,
    xs: Array,
    state: Any,
    *,
    executor: str | Executor = "auto",
    **options: Any,
) -> tuple[Any, Array] | None:
    """What `lstm_jax.unroll` returns, or None where the layers are to run one by one.

    One by one is also where an argument does not fit, for an error that names its layer.
    """
    wanted = EXECUTORS.get(executor) if isinstance(executor, str) else executor
    if not isinstance(wanted, Executor) or not wanted.takes_layers:
        return None
    if directions == 2 and (options.get("reverse") or options.get("truncate") is not None):
        return None  # the backward cells' gradient is cut at other steps
    whole = AtOnce(cells, directions, layer)
    try:
        fitting = arguments.check_inputs(whole, params, xs)
        arguments.check_state(whole, widen(params), state, fitting.shape[1])
    except (TypeError, ValueError):
        return None
    inputs = Inputs(fitting, resets=options.get("resets"))
    if wanted.unsupported(Request(whole, platform(), inputs)) is not None:
        return None
    return unroll(whole, params, xs, state, executor=executor, **options)
