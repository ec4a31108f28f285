"""What a gate does for the task: hold it at its mean, and see what is lost.

Each unit's gate is held at its mean over the batch; what is lost is what the gate's reacting to
inputs and state is worth, as distinct from its being there.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lstm_jax.cells import Cell, Wrapper
from lstm_jax.diagnostics.statistics import gate_statistics
from lstm_jax.diagnostics.subjects import Inputs, Subject, view, with_cells
from lstm_jax.layers import BidirectionalParams, Stack


class HoldingParams(NamedTuple):
    """Parameters of the cell within, and what its gates are held at."""

    cell: Any
    held: dict[str, Float[Array, " H"]]


@dataclasses.dataclass(frozen=True)
class Holding(Wrapper):
    """A cell of which some gates are held.

    Args:
        cell: any cell that has them.
        gates: their names.
    """

    gates: tuple[str, ...]

    def within(self, params: HoldingParams) -> Any:
        return params.cell

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> HoldingParams:
        return self._held(self.cell.init(key, input_size, dtype), dtype)

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> HoldingParams:
        shapes = self.cell.param_shapes(input_size, dtype)
        return jax.eval_shape(lambda params: self._held(params, dtype), shapes)

    def activate(self, params: HoldingParams, state: Any, zx: Any, zh: Array) -> Any:
        return self.activate_gated(params, state, zx, zh, params.held)[0]

    def advance(self, params: HoldingParams, state: Any, x: Any) -> Any:
        return self.advance_gated(params, state, x, params.held)[0]

    def _held(self, params: Any, dtype: DTypeLike) -> HoldingParams:
        if not self.gates:
            return HoldingParams(params, {})
        assert self.cell.gating is not None
        memory = getattr(self.cell.initial_state(params, 1), self.cell.gating.memory)
        return HoldingParams(params, dict.fromkeys(self.gates, jnp.zeros(memory.shape[1:], dtype)))


class Ablation(NamedTuple):
    """A metric with all gates at work, and with each held at its mean.

    Args:
        intact: the metric of the subject as it is.
        held: for each cell, by the name of a gate: the metric where that one alone is held.
    """

    intact: Any
    held: tuple[dict[str, Any], ...]


def ablation(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    metric: Callable[[Float[Array, "T B O"]], Any],
    lengths: Shaped[Array, " B"] | None = None,
) -> Ablation:
    """Hold each gate of each cell in turn at its mean, and measure, as at evaluation.

    Where a gate is coupled to another or feeds back, its own value still does; what is held is
    the number that multiplies.

    Args:
        subject: a `SequenceModel`, a `Stack`, a `Bidirectional` or a cell.
        params: its parameters.
        inputs: values (T, B, I), or the tokens (T, B) of a model of tokens.
        metric: what is measured of the outputs (T, B, O): a number, or any tree of arrays.
        lengths: (B,) the steps of each sequence; left out, all have T.

    Returns:
        The metric without and with each gate held; a cell without gates has none.

    Raises TypeError and ValueError as `lstm_jax.unroll`.

    >>> from lstm_jax import GRU
    >>> cell = GRU(hidden_size=4)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (10, 3, 2))
    >>> found = ablation(cell, params, xs, lambda ys: jnp.square(ys[-1]).mean())
    >>> [sorted(of_cell) for of_cell in found.held]
    [['r', 'z']]
    """
    stack, of_stack, xs, read = view(subject, params, inputs)
    means = [found.mean for found in gate_statistics(subject, params, inputs, lengths)]

    def measure(held: list[dict[str, Array]]) -> Any:
        holding, their_params = _holding(stack, of_stack, held)
        return metric(read(holding.unroll(their_params, xs, lengths=lengths)[1]))

    def alone(number: int, gate: str) -> Any:
        held: list[dict[str, Array]] = [{} for _ in means]
        held[number] = {gate: means[number][gate]}
        return measure(held)

    return Ablation(
        measure([{} for _ in means]),
        tuple({gate: alone(n, gate) for gate in of_cell} for n, of_cell in enumerate(means)),
    )


def _holding(
    stack: Stack, params: tuple[Any, ...], held: list[dict[str, Array]]
) -> tuple[Stack, tuple[Any, ...]]:
    """The stack with some gates of its cells held, and its parameters."""
    dtype = jax.tree.leaves(params)[0].dtype
    of_cells = iter([{name: v.astype(dtype) for name, v in each.items()} for each in held])
    names = iter([tuple(each) for each in held])

    def wrap(cell: Cell) -> Cell:
        return Holding(cell, next(names))

    def wrapped(of_layer: Any) -> Any:
        if isinstance(of_layer, BidirectionalParams):
            return BidirectionalParams(*(HoldingParams(p, next(of_cells)) for p in of_layer))
        return HoldingParams(of_layer, next(of_cells))

    return with_cells(stack, wrap), tuple(map(wrapped, params))
