"""Weights to and from haiku: `hk.LSTM`, `hk.GRU` and `hk.VanillaRNN`.

Entries are the parameters that `hk.transform` gives, by module and name:

    lstm/linear           w (I + H, 4*H), the input's rows first; b (4*H,); gates i, g, f, o
    gru                   w_i (I, 3*H), w_h (H, 3*H), b (3*H,); gates z, r, n
    vanilla_rnn/linear    w (I, H), b (H,);  vanilla_rnn/linear_1  w (H, H), b (H,); rectified

The cells of a `Stack` are called as in `hk.DeepRNN`: lstm, lstm_1, ... by their kind.

The GRU resets before the product, as our `ResetFirstGRU`, and its z is 1 minus ours: as
sigmoid(-a) = 1 - sigmoid(a), the z columns change their sign.

The two biases of `VanillaRNN` are added up, and written as one beside a zero.

The LSTM adds 1 to the forget gate's argument, so its b_f is ours minus 1. Floats next to -1 are
further apart than floats next to 0, so `to_haiku` may round a b_f below 0.5, and `from_haiku` one
of haiku's: at most by half the spacing of the floats at the larger of the two, up to 2 that is 6e-8
in float32. Exact are every b_f from 0.5 to 2**24 (float32), and all parameters that came from
haiku, or went there, once: from then on they go to and fro without a change.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays, flatten
from lstm_jax.interop.gates import pack, reorder, split, total
from lstm_jax.interop.peer import Layout, Names, Peer, Place, kind
from lstm_jax.layers import Bidirectional, Layer


def from_haiku(layer: Cell | Layer, entries: Mapping[str, Any]) -> Any:
    """Our parameters of haiku's.

    Args:
        layer: what the module computes: `LSTM`, `ResetFirstGRU` or `Elman(activation="relu")`; a
            `Stack` of them.
        entries: {module: {name: array}}, the modules named as above, or flat with "/".

    Returns and raises as `lstm_jax.interop.from_torch`.

    >>> from lstm_jax import LSTM
    >>> entries = {"lstm/linear": {"w": np.ones((5, 12)), "b": np.zeros(12)}}
    >>> from_haiku(LSTM(hidden_size=3), entries).b
    array([0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.])
    """
    return _HAIKU.read(layer, flatten(entries))


def to_haiku(layer: Cell | Layer, params: Any) -> dict[str, Arrays]:
    """What a transformed function's `apply` takes; the inverse of `from_haiku`."""
    modules: dict[str, Arrays] = {}
    for name, array in _HAIKU.write(layer, params).items():
        module, _, last = name.rpartition("/")
        modules.setdefault(module, {})[last] = array
    return modules


def _write_lstm(ours: Arrays) -> Arrays:
    b = split(ours["b"], "ifgo")
    b["f"] = b["f"] - np.ones_like(b["f"])
    w = np.concatenate([ours["w_x"], ours["w_h"]])
    return {"linear/w": reorder(w, "ifgo", "igfo"), "linear/b": pack(b, "igfo")}


def _read_lstm(entries: Arrays) -> Arrays:
    b = split(entries["linear/b"], "igfo")
    b["f"] = b["f"] + np.ones_like(b["f"])
    w = reorder(entries["linear/w"], "igfo", "ifgo")
    w_x, w_h = np.split(w, [len(w) - w.shape[1] // 4])
    return {"w_x": w_x, "w_h": w_h, "b": pack(b, "ifgo")}


GRU_FIELDS = {"w_x": "w_i", "w_h": "w_h", "b": "b"}


def _write_gru(ours: Arrays) -> Arrays:
    gates = {name: split(ours[field], "rzn") for field, name in GRU_FIELDS.items()}
    return {name: pack(each | {"z": -each["z"]}, "zrn") for name, each in gates.items()}


def _read_gru(entries: Arrays) -> Arrays:
    gates = {field: split(entries[name], "zrn") for field, name in GRU_FIELDS.items()}
    return {field: pack(each | {"z": -each["z"]}, "rzn") for field, each in gates.items()}


def _write_vanilla(ours: Arrays) -> Arrays:
    return {
        "linear/w": ours["w_x"],
        "linear/b": ours["b"],
        "linear_1/w": ours["w_h"],
        "linear_1/b": np.zeros_like(ours["b"]),
    }


def _read_vanilla(entries: Arrays) -> Arrays:
    b = total(entries["linear/b"], entries["linear_1/b"])
    return {"w_x": entries["linear/w"], "w_h": entries["linear_1/w"], "b": b}


MODULES = {"LSTM": "lstm", "ResetFirstGRU": "gru", "relu Elman": "vanilla_rnn"}


def _names(layer: Cell | Layer, places: list[Place]) -> list[Names]:
    if any(place.direction for place in places):
        raise ValueError(
            f"haiku has no Bidirectional; convert the forward and the backward cell of "
            f"{layer if isinstance(layer, Bidirectional) else 'each layer'} by themselves"
        )
    so_far: Counter[str] = Counter()
    names = []
    for place in places:
        module = MODULES[kind(place.cell) or ""]
        names.append(Names(f"{module}_{so_far[module]}/" if so_far[module] else f"{module}/"))
        so_far[module] += 1
    return names


_HAIKU = Peer(
    "haiku",
    {
        "LSTM": Layout("hk.LSTM", _write_lstm, _read_lstm),
        "ResetFirstGRU": Layout("hk.GRU", _write_gru, _read_gru),
        "relu Elman": Layout("hk.VanillaRNN", _write_vanilla, _read_vanilla),
    },
    _names,
)
