"""Weights to and from equinox: `eqx.nn.LSTMCell` and `eqx.nn.GRUCell`.

Entries are the array fields of the cell, G being the number of gates:

    weight_ih (G*H, I)    weight_hh (G*H, H)    bias (G*H,)    bias_n (H,), of a GRU alone

without the biases if use_bias=False. The gates stand in our order, i, f, g, o; r, z, n, and bias_n
is our b_u. Equinox has cells alone: those of a `Stack` or a `Bidirectional` are converted one by
one.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays
from lstm_jax.interop.peer import Layout, Names, Peer, Place, refuse_bias
from lstm_jax.layers import Layer


def from_equinox(layer: Cell, entries: Mapping[str, Any], *, bias: bool = True) -> Any:
    """Our parameters of an equinox cell.

    Args:
        layer: what the cell computes, `LSTM` or `GRU`.
        entries: arrays by equinox' names.
        bias: as `use_bias` of the cell; without, the parameters have biases of zero.

    Returns and raises as `lstm_jax.interop.from_torch`.

    >>> from lstm_jax import LSTM
    >>> entries = {"weight_ih": np.ones((12, 2)), "weight_hh": np.ones((12, 3))}
    >>> from_equinox(LSTM(hidden_size=3), entries, bias=False).w_h.shape
    (3, 12)
    """
    return _equinox(bias).read(layer, entries)


def to_equinox(layer: Cell, params: Any, *, bias: bool = True) -> Arrays:
    """The array fields of an equinox cell; the inverse of `from_equinox`.

    Raises ValueError for bias=False with a bias that is not zero, too.
    """
    return _equinox(bias).write(layer, params)


def _equinox(bias: bool) -> Peer:
    def layout(called: str, biases: Mapping[str, str]) -> Layout:
        def write(ours: Arrays) -> Arrays:
            entries = {"weight_ih": ours["w_x"].T, "weight_hh": ours["w_h"].T}
            if not bias:
                refuse_bias(called, ours)
                return entries
            return entries | {name: ours[field] for name, field in biases.items()}

        def read(entries: Arrays) -> Arrays:
            ours = {"w_x": entries["weight_ih"].T, "w_h": entries["weight_hh"].T}
            widths = {"b": ours["w_x"].shape[1], "b_u": ours["w_h"].shape[0]}
            for name, field in biases.items():
                zeros = np.zeros(widths[field], ours["w_x"].dtype)
                ours[field] = entries.get(name, zeros)
            return ours

        return Layout(called, write, read)

    layouts = {
        "LSTM": layout("LSTMCell", {"bias": "b"}),
        "GRU": layout("GRUCell", {"bias": "b", "bias_n": "b_u"}),
    }
    return Peer("equinox", layouts, _names)


def _names(layer: Cell | Layer, places: list[Place]) -> list[Names]:
    if not isinstance(layer, Cell):
        raise ValueError(f"equinox has cells alone; convert those of {layer} one by one")
    return [Names()]
