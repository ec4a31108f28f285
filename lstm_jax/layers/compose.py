"""Layers as they are asked for by number: what the arguments `layers` and `bidirectional` mean."""

from typing import Any, Literal

import jax.numpy as jnp

from lstm_jax.cells import Cell
from lstm_jax.checks import Size, check
from lstm_jax.layers.base import Layer
from lstm_jax.layers.bidirectional import Bidirectional
from lstm_jax.layers.stack import Stack

Merge = Literal["concat", "sum", "none"]


def compose(
    cell: Cell,
    *,
    layers: int = 1,
    bidirectional: bool = False,
    merge: str = "concat",
    residual: bool = False,
    dropout: float = 0.0,
) -> Cell | Layer:
    """One layer or several, in one direction or two, all of the same cell.

    Args:
        cell: the step of every layer and direction.
        layers: how many, one above the other.
        bidirectional: whether each layer runs both ways, with parameters of its own for each.
        merge: how the two directions' outputs become one, as for `Bidirectional`.
        residual: whether layers add their input to their output, as for `Stack`.
        dropout: share of the outputs between layers that is zero in training.

    Raises ValueError for an argument that would do nothing: residual or dropout with one layer,
    merge with one direction.

    >>> from lstm_jax import LSTM
    >>> compose(LSTM(hidden_size=4), layers=2, bidirectional=True).output_size
    8
    """
    check("layers", layers, Size)
    check("bidirectional", bidirectional, bool)
    check("merge", merge, Merge)
    if merge != "concat" and not bidirectional:
        raise ValueError(f"merge is {merge!r} but bidirectional is False; one direction has one")
    if layers == 1 and (residual or dropout):
        given = "residual is True" if residual else f"dropout is {dropout}"
        raise ValueError(f"{given} but layers is 1; it acts between layers")
    layer: Any = Bidirectional(cell, cell, merge) if bidirectional else cell  # type: ignore[arg-type]
    if layers == 1:
        return layer
    return Stack((layer,) * layers, residual=residual, dropout=dropout)


def product_dtype(dtype: Any) -> Any:
    """A dtype by the name that cells take; what is no dtype is left for the cell to refuse.

    >>> product_dtype(jnp.bfloat16), product_dtype("float16"), product_dtype(None)
    ('bfloat16', 'float16', None)
    """
    if dtype is None or isinstance(dtype, str):
        return dtype
    try:
        return jnp.dtype(dtype).name
    except TypeError:
        return dtype


def storage_dtype(dtype: Any) -> Any:
    """`param_dtype` as a dtype; raises TypeError for what is no floating-point type."""
    try:
        found = None if dtype is None else jnp.dtype(dtype)
    except TypeError:
        found = None
    if found is None or not jnp.issubdtype(found, jnp.floating):
        raise TypeError(f"param_dtype must be a floating-point type such as float32, got {dtype!r}")
    return found
