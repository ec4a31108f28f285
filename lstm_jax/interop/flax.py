"""Weights to and from flax, nnx and linen: their LSTM cells, `GRUCell` and `SimpleCell`.

Entries are nested dicts: `nnx.to_pure_dict(nnx.state(module, nnx.Param))`, or the "params" of a
linen module. Of a cell alone, x being each of its gates:

    linen LSTMCell, OptimizedLSTMCell   ix (x = i, f, g, o): kernel (I, H);  hx: kernel (H, H), bias
    linen GRUCell                       ix (x = r, z, n): kernel, bias;  hx: kernel;  hn: bias too
    linen SimpleCell                    i: kernel, bias;  h: kernel
    nnx LSTMCell                        as linen's, but `if_` for `if`
    nnx OptimizedLSTMCell               dense_i: kernel (I, 4*H);  dense_h: kernel (H, 4*H), bias
    nnx GRUCell, SimpleCell             dense_i: kernel, bias;  dense_h: kernel

A `Bidirectional` is flax's own of two `RNN`s, forward_rnn: cell: ...; a `Stack` is a `Sequential`
of `RNN`s, layers_0: cell: ... in linen and layers: 0: cell: ... in nnx. The gates stand i, f, g, o;
r, z, n. nnx' GRUCell has no bias in the reach of the reset gate: its b_u is zero.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays, flatten, nest
from lstm_jax.interop.gates import pack, split
from lstm_jax.interop.peer import Layout, Names, Peer, Place
from lstm_jax.layers import Bidirectional, Layer, Stack


def from_nnx(layer: Cell | Layer, entries: Mapping[Any, Any], *, optimized: bool = True) -> Any:
    """Our parameters of the state of an nnx module.

    Args:
        layer: what the module computes: `LSTM`, `GRU` or `Elman`; a `Bidirectional` of two of
            them; a `Stack` of either.
        entries: arrays by nnx' names; nested, or flat with "/" between the names.
        optimized: whether every LSTM is an `OptimizedLSTMCell`, not an `LSTMCell`.

    Returns and raises as `lstm_jax.interop.from_torch`.

    >>> from lstm_jax import Elman
    >>> entries = {
    ...     "dense_i": {"kernel": np.ones((2, 3)), "bias": np.ones(3)},
    ...     "dense_h": {"kernel": np.ones((3, 3))},
    ... }
    >>> from_nnx(Elman(hidden_size=3), entries).w_x.shape
    (2, 3)
    """
    return _nnx(optimized).read(layer, flatten(entries))


def to_nnx(layer: Cell | Layer, params: Any, *, optimized: bool = True) -> dict[Any, Any]:
    """What `nnx.replace_by_pure_dict` takes; the inverse of `from_nnx`.

    Raises ValueError for a `GRU` whose b_u is not zero, too.
    """
    return nest(_nnx(optimized).write(layer, params))


def from_linen(layer: Cell | Layer, entries: Mapping[Any, Any]) -> Any:
    """Our parameters of the "params" of a linen module; otherwise as `from_nnx`.

    An `LSTMCell` and an `OptimizedLSTMCell` of linen have the same entries.
    """
    return _LINEN.read(layer, flatten(entries))


def to_linen(layer: Cell | Layer, params: Any) -> dict[Any, Any]:
    """The "params" of a linen module; the inverse of `from_linen`."""
    return nest(_LINEN.write(layer, params))


def _apart(called: str, gates: str, renamed: Mapping[str, str] | None = None) -> Layout:
    """A dense layer for each gate and operand."""
    gru = gates == "rzn"

    def dense(operand: str, gate: str) -> str:
        name = operand + gate.strip("_")
        return (renamed or {}).get(name, name)

    def write(ours: Arrays) -> Arrays:
        entries: Arrays = {}
        for operand, field in (("i", "w_x"), ("h", "w_h")):
            for gate, kernel in split(ours[field], gates).items():
                entries[f"{dense(operand, gate)}/kernel"] = kernel
        for gate, bias in split(ours["b"], gates).items():
            entries[f"{dense('h' if gates == 'ifgo' else 'i', gate)}/bias"] = bias
        return entries | ({"hn/bias": ours["b_u"]} if gru else {})

    def read(entries: Arrays) -> Arrays:
        def packed(operand: str, part: str) -> np.ndarray:
            return pack({g: entries[f"{dense(operand, g)}/{part}"] for g in gates}, gates)

        bias = packed("h" if gates == "ifgo" else "i", "bias")
        ours = {"w_x": packed("i", "kernel"), "w_h": packed("h", "kernel"), "b": bias}
        return ours | ({"b_u": entries["hn/bias"]} if gru else {})

    return Layout(called, write, read)


def _together(called: str, biased: str) -> Layout:
    """A dense layer for all gates of an operand; `biased` is the one with the bias."""

    def write(ours: Arrays) -> Arrays:
        if np.any(ours.get("b_u", 0) != 0):
            raise ValueError(f"nnx {called} has no place for b_u, which is not zero")
        entries = {"dense_i/kernel": ours["w_x"], "dense_h/kernel": ours["w_h"]}
        return entries | {f"{biased}/bias": ours["b"]}

    def read(entries: Arrays) -> Arrays:
        ours = {"w_x": entries["dense_i/kernel"], "w_h": entries["dense_h/kernel"]}
        ours["b"] = entries[f"{biased}/bias"]
        if called == "GRUCell":
            ours["b_u"] = np.zeros_like(ours["w_h"][0, : len(ours["w_h"])])
        return ours

    return Layout(called, write, read)


def _nnx(optimized: bool) -> Peer:
    optimized_lstm = _together("OptimizedLSTMCell", "dense_h")
    layouts = {
        "LSTM": optimized_lstm if optimized else _apart("LSTMCell", "ifgo", {"if": "if_"}),
        "GRU": _together("GRUCell", "dense_i"),
        "tanh Elman": _together("SimpleCell", "dense_i"),
        "relu Elman": _together("SimpleCell with activation_fn=relu", "dense_i"),
    }
    return Peer("nnx", layouts, lambda layer, places: _names(layer, places, "layers/{}/"))


def _names(layer: Cell | Layer, places: list[Place], numbered: str) -> list[Names]:
    def name(place: Place) -> Names:
        level = "" if place.level is None else numbered.format(place.level)
        direction = f"{place.direction}_rnn/" if place.direction else ""
        cell = "cell/" if isinstance(layer, Stack | Bidirectional) else ""
        return Names(level + direction + cell)

    return [name(place) for place in places]


_LINEN = Peer(
    "linen",
    {
        "LSTM": _apart("LSTMCell or OptimizedLSTMCell", "ifgo"),
        "GRU": _apart("GRUCell", "rzn"),
        "tanh Elman": _apart("SimpleCell", "_"),
        "relu Elman": _apart("SimpleCell with activation_fn=relu", "_"),
    },
    lambda layer, places: _names(layer, places, "layers_{}/"),
)
