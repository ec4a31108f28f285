"""Weights to and from keras: `LSTM`, `GRU` (both of its forms) and `SimpleRNN`.

Entries are a layer's weights by `weight.name`, G being the number of gates:

    kernel (I, G*H)    recurrent_kernel (H, G*H)    bias (G*H,), absent with use_bias=False

A GRU with `reset_after=True`, keras' default and our `GRU`, has a bias (2, 3*H), of the input and
of the recurrent product; where these are added up we have their sum, and write the second as zero.
With `reset_after=False` it is our `ResetFirstGRU`. The gates stand i, f, g, o; z, r, n.

A `Bidirectional` has dicts under "forward_layer" and "backward_layer", as keras calls these
attributes; a `Stack` a dict under each number, as in `model.layers[0]`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays, flatten, nest
from lstm_jax.interop.gates import gru_biases, lead, reorder
from lstm_jax.interop.peer import Layout, Names, Peer, Place, refuse_bias
from lstm_jax.layers import Layer


def from_keras(layer: Cell | Layer, entries: Mapping[Any, Any], *, bias: bool = True) -> Any:
    """Our parameters of a keras layer's weights.

    Args:
        layer: what the keras layer computes: `LSTM`, `GRU`, `ResetFirstGRU` or `Elman`; a
            `Bidirectional` of two of them; a `Stack` of either.
        entries: arrays by keras' names; nested, or flat with "/" between the names.
        bias: as `use_bias` of the keras layer; without, the parameters have biases of zero.

    Returns and raises as `lstm_jax.interop.from_torch`.

    >>> from lstm_jax import Elman
    >>> entries = {"kernel": np.ones((2, 3)), "recurrent_kernel": np.ones((3, 3))}
    >>> from_keras(Elman(hidden_size=3), entries, bias=False).b
    array([0., 0., 0.])
    """
    return _keras(bias).read(layer, flatten(entries))


def to_keras(layer: Cell | Layer, params: Any, *, bias: bool = True) -> dict[Any, Any]:
    """A keras layer's weights by name; the inverse of `from_keras`.

    Raises ValueError for bias=False with a bias that is not zero, too.
    """
    return nest(_keras(bias).write(layer, params))


def _keras(bias: bool) -> Peer:
    def layout(called: str, ours_order: str, order: str, two_biases: bool = False) -> Layout:
        def write(ours: Arrays) -> Arrays:
            entries = {
                "kernel": reorder(ours["w_x"], ours_order, order),
                "recurrent_kernel": reorder(ours["w_h"], ours_order, order),
            }
            if not bias:
                refuse_bias(called, ours)
                return entries
            entries["bias"] = reorder(ours["b"], ours_order, order)
            if two_biases:
                b_h = lead(ours["b_u"], len(order))
                entries["bias"] = np.stack([entries["bias"], b_h])
            return entries

        def read(entries: Arrays) -> Arrays:
            w_x = reorder(entries["kernel"], order, ours_order)
            ours = {"w_x": w_x, "w_h": reorder(entries["recurrent_kernel"], order, ours_order)}
            if not two_biases:
                b = entries.get("bias", np.zeros_like(w_x[0]))
                return ours | {"b": reorder(b, order, ours_order)}
            b_x, b_h = entries.get("bias", np.zeros_like(w_x[:1], shape=(2, w_x.shape[1])))
            return ours | gru_biases(b_x, b_h, order)

        return Layout(called, write, read)

    layouts = {
        "LSTM": layout("LSTM", "ifgo", "ifgo"),
        "GRU": layout("GRU", "rzn", "zrn", two_biases=True),
        "ResetFirstGRU": layout("GRU with reset_after=False", "rzn", "zrn"),
        "tanh Elman": layout("SimpleRNN", "h", "h"),
        "relu Elman": layout("SimpleRNN with activation='relu'", "h", "h"),
    }
    return Peer("keras", layouts, _names)


def _names(layer: Cell | Layer, places: list[Place]) -> list[Names]:
    def name(place: Place) -> Names:
        level = "" if place.level is None else f"{place.level}/"
        direction = f"{place.direction}_layer/" if place.direction else ""
        return Names(level + direction)

    return [name(place) for place in places]
