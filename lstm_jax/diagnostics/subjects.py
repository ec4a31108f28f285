"""What can be looked into: a model, a stack, a layer or a cell, all seen as a stack of cells.

What is told of a subject is a tuple with an entry for each of its cells, the lowest first; of a
layer that runs both ways the forward cell comes before the backward one. `cell_names` names them.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax.arguments import check_lengths
from lstm_jax.cells import Cell
from lstm_jax.layers import Bidirectional, SequenceModel, Stack

Subject = SequenceModel | Stack | Bidirectional | Cell
"""What has cells to look into."""

Inputs = Array
"""What the subject takes: values (T, B, I), or the tokens (T, B) of a model of tokens."""


class View(NamedTuple):
    """A subject as a stack, with what goes in and what is made of that which comes out."""

    stack: Stack
    params: tuple[Any, ...]
    xs: Float[Array, "T B I"]
    read: Callable[[Array], Array]


def checked(inputs: Inputs, lengths: Any) -> tuple[Array, Array | None]:
    """Inputs and lengths that fit one another, while their values are known."""
    inputs = jnp.asarray(inputs)
    if inputs.ndim < 2:
        raise ValueError(f"inputs must be time-major, (T, B, ...), got shape {inputs.shape}")
    return inputs, check_lengths(lengths, *inputs.shape[:2])


def view(subject: Subject, params: Any, inputs: Inputs) -> View:
    """See a subject as a stack; TypeError for what is none."""
    stack = stack_of(subject)
    if isinstance(subject, SequenceModel):
        xs = subject.encode(params, inputs)
        return View(stack, params.stack, xs, lambda ys: subject.read(params, xs, ys))
    of_stack = params if isinstance(subject, Stack) else (params,)
    return View(stack, of_stack, inputs, lambda ys: ys)


def stack_of(subject: Subject) -> Stack:
    """The stack that a subject has, is, or is the only layer of."""
    if isinstance(subject, SequenceModel):
        return subject.stack
    if isinstance(subject, Stack):
        return subject
    if not isinstance(subject, Cell | Bidirectional):
        raise TypeError(
            f"only a SequenceModel, a Stack, a Bidirectional or a cell can be looked into, got "
            f"{type(subject).__name__}"
        )
    return Stack((subject,))


def cells_of(stack: Stack) -> tuple[Cell, ...]:
    """The cells of all layers."""
    return by_cell(
        stack,
        tuple(
            (layer.forward, layer.backward) if isinstance(layer, Bidirectional) else layer
            for layer in stack.layers
        ),
    )


def by_cell(stack: Stack, of_layers: tuple[Any, ...]) -> tuple[Any, ...]:
    """An entry for each cell, from one for each layer that is a pair where a layer is."""
    entries: list[Any] = []
    for layer, of_layer in zip(stack.layers, of_layers, strict=True):
        entries.extend(of_layer if isinstance(layer, Bidirectional) else [of_layer])
    return tuple(entries)


def with_cells(stack: Stack, wrap: Callable[[Cell], Cell]) -> Stack:
    """The stack with another cell in place of each."""

    def wrapped(layer: Cell | Bidirectional) -> Cell | Bidirectional:
        if isinstance(layer, Cell):
            return wrap(layer)
        both = wrap(layer.forward), wrap(layer.backward)
        return dataclasses.replace(layer, forward=both[0], backward=both[1])

    return dataclasses.replace(stack, layers=tuple(map(wrapped, stack.layers)))


def cell_names(subject: Subject) -> tuple[str, ...]:
    """What the entries for the cells of a subject are about.

    >>> from lstm_jax import GRU, LSTM
    >>> cell_names(Stack((LSTM(4), Bidirectional(GRU(4), GRU(4)))))
    ('layer 0', 'layer 1 forward', 'layer 1 backward')
    """
    stack = stack_of(subject)
    return by_cell(
        stack,
        tuple(
            (f"layer {n} forward", f"layer {n} backward")
            if isinstance(layer, Bidirectional)
            else f"layer {n}"
            for n, layer in enumerate(stack.layers)
        ),
    )
