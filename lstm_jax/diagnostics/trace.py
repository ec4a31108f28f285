"""Every step of every unit: gates, candidate and state of whole sequences."""

import dataclasses
import functools
from typing import Any

import jax
from jaxtyping import Array, Shaped

from lstm_jax import sequence
from lstm_jax.diagnostics.observers import Observer, Quantities, gate_names, state_parts
from lstm_jax.diagnostics.subjects import Inputs, Subject, by_cell, checked, view, with_cells


@dataclasses.dataclass(frozen=True)
class LastStep(Observer):
    """What has been seen is the gates and the candidate of the last step."""

    def begin(self, zeros: Quantities) -> Quantities:
        return self._gates(zeros)

    def look(self, seen: Quantities, now: Quantities) -> Quantities:
        return self._gates(now)

    def _gates(self, now: Quantities) -> Quantities:
        return {name: now[name] for name in gate_names(self.cell)}


def traces(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    lengths: Shaped[Array, " B"] | None = None,
) -> tuple[Quantities, ...]:
    """Gates, candidate and state after every step, as at evaluation.

    Args:
        subject: a `SequenceModel`, a `Stack`, a `Bidirectional` or a cell.
        params: its parameters.
        inputs: values (T, B, I), or the tokens (T, B) of a model of tokens.
        lengths: (B,) the steps of each sequence; left out, all have T.

    Returns:
        For each cell (see `cell_names`) a dict of arrays (T, B, H): the gates of its equations, as
        i, f and o of an LSTM or r and z of a GRU; its candidate, g or n; and its state, c and h or
        h alone. They are zero past a sequence's length. A backward cell's step t is where it has
        read the inputs from the end down to t.

    Raises TypeError and ValueError as `lstm_jax.unroll`.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=4)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (10, 3, 2))
    >>> (of_cell,) = traces(cell, params, xs)
    >>> sorted(of_cell), of_cell["f"].shape
    (['c', 'f', 'g', 'h', 'i', 'o'], (10, 3, 4))
    """
    return _traces(subject, params, *checked(inputs, lengths))


@functools.partial(jax.jit, static_argnames="subject")
def _traces(
    subject: Subject, params: Any, inputs: Array, lengths: Array | None
) -> tuple[Quantities, ...]:
    stack, params, xs, _ = view(subject, params, inputs)
    watched = with_cells(stack, LastStep)
    _, _, states = watched.unroll(params, xs, lengths=lengths, return_states=True)
    mask = None if lengths is None else sequence.mask(lengths, len(xs))
    return tuple(
        sequence.silence({**seen, **state_parts(state)}, mask)
        for state, seen in by_cell(stack, states)
    )
