"""Weights to and from torch: `nn.LSTM` (with `proj_size` too), `nn.GRU` and `nn.RNN`.

Entries are those of the module's `state_dict()` as NumPy arrays. For layer k, and with
`_reverse` at the end for the backward direction, G being the number of gates:

    weight_ih_l{k} (G*H, I)    weight_hh_l{k} (G*H, R)    weight_hr_l{k} (P, H), a projection
    bias_ih_l{k}   (G*H,)      bias_hh_l{k}   (G*H,)      neither with bias=False

The gates stand in our order: i, f, g, o; r, z, n. Where torch adds two biases up we have one:
`from_torch` gives their sum, `to_torch` writes it as `bias_ih` beside a `bias_hh` of zero. Only the
candidate of a GRU has two biases of different effect, `b` and `b_u`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays
from lstm_jax.interop.gates import gru_biases, lead, total
from lstm_jax.interop.peer import Layout, Names, Peer, Place, kind, refuse_bias
from lstm_jax.layers import Bidirectional, Layer, Stack


def from_torch(layer: Cell | Layer, entries: Mapping[str, Any], *, bias: bool = True) -> Any:
    """Our parameters of a module's `state_dict()`.

    Args:
        layer: what the module computes: `LSTM`, `LSTMP` for `proj_size`, `GRU`, `Elman` for
            `nn.RNN`; a `Bidirectional` of two of them; a `Stack` of either.
        entries: arrays by torch's names.
        bias: as of the module; without, the parameters have biases of zero.

    Returns:
        Parameters as `layer.init` gives them, of NumPy arrays.

    Raises:
        ValueError: torch has no such layer; entries are missing, extra or misshapen.
        TypeError: entries are not floating point, or differ in dtype.

    >>> from lstm_jax import LSTM
    >>> shapes = {"weight_ih_l0": (12, 2), "weight_hh_l0": (12, 3)}
    >>> entries = {name: np.ones(shape) for name, shape in shapes.items()}
    >>> from_torch(LSTM(hidden_size=3), entries, bias=False).w_x.shape
    (2, 12)
    """
    return _torch(bias).read(layer, entries)


def to_torch(layer: Cell | Layer, params: Any, *, bias: bool = True) -> Arrays:
    """What a module's `load_state_dict` takes, as NumPy arrays; the inverse of `from_torch`.

    Raises ValueError for bias=False with a bias that is not zero, too.
    """
    return _torch(bias).write(layer, params)


def _torch(bias: bool) -> Peer:
    def layout(called: str, gates: int) -> Layout:
        def write(ours: Arrays) -> Arrays:
            entries = {"weight_ih": ours["w_x"].T, "weight_hh": ours["w_h"].T}
            if "w_p" in ours:
                entries["weight_hr"] = ours["w_p"].T
            if not bias:
                refuse_bias(called, ours)
                return entries
            b_u = ours.get("b_u", np.zeros_like(ours["b"][: len(ours["b"]) // gates]))
            return entries | {"bias_ih": ours["b"], "bias_hh": lead(b_u, gates)}

        def read(entries: Arrays) -> Arrays:
            ours = {"w_x": entries["weight_ih"].T, "w_h": entries["weight_hh"].T}
            if "weight_hr" in entries:
                ours["w_p"] = entries["weight_hr"].T
            zeros = np.zeros_like(ours["w_x"][0])
            b_x, b_h = entries.get("bias_ih", zeros), entries.get("bias_hh", zeros)
            if called == "nn.GRU":
                return ours | gru_biases(b_x, b_h)
            return ours | {"b": total(b_x, b_h)}

        return Layout(called, write, read)

    layouts = {
        "LSTM": layout("nn.LSTM", 4),
        "LSTMP": layout("nn.LSTM with proj_size", 4),
        "GRU": layout("nn.GRU", 3),
        "tanh Elman": layout("nn.RNN", 1),
        "relu Elman": layout("nn.RNN with nonlinearity='relu'", 1),
    }
    return Peer("torch", layouts, _names)


def _names(layer: Cell | Layer, places: list[Place]) -> list[Names]:
    """One module holds all layers and directions, so they have to be alike."""
    sizes = {_shape(place.cell): place.cell for place in places}
    if len(sizes) > 1:
        raise ValueError(f"torch has layers of one kind and size only, got {list(sizes.values())}")
    levels = layer.layers if isinstance(layer, Stack) else (layer,)
    merges = [each.merge if isinstance(each, Bidirectional) else None for each in levels]
    if set(merges) not in ({None}, {"concat"}):
        raise ValueError(
            "torch has all layers in one direction, or all in two with merge='concat'; got "
            + ", ".join("one direction" if each is None else repr(each) for each in merges)
        )
    for hidden, projected in {_shape(place.cell)[1:] for place in places}:
        if projected is not None and projected >= hidden:
            raise ValueError(f"torch has projections below hidden_size={hidden}, got {projected}")
    reverse = {"backward": "_reverse"}
    return [Names("", f"_l{each.level or 0}{reverse.get(each.direction, '')}") for each in places]


def _shape(cell: Any) -> tuple[str | None, int, int | None]:
    return kind(cell), cell.hidden_size, getattr(cell, "projection_size", None)
