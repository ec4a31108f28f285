"""Our parameters as flat dicts, by names such as `w_x` or `0.forward.w_x`, and back."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from lstm_jax.arguments import shapes
from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays, fit
from lstm_jax.layers import Layer


def named(params: Any) -> dict[str, Any]:
    """The leaves of parameters by name.

    >>> from lstm_jax.cells import ElmanParams
    >>> named((ElmanParams(1, 2, 3), ElmanParams(4, 5, 6)))
    {'0.w_x': 1, '0.w_h': 2, '0.b': 3, '1.w_x': 4, '1.w_h': 5, '1.b': 6}
    """
    leaves = jax.tree_util.tree_flatten_with_path(params)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def rebuilt(like: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """A tree of the structure of another, of arrays by name."""
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in named(like)])


def fitted(what: str, layer: Cell | Layer, entries: Mapping[str, Any]) -> Any:
    """The layer's parameters of arrays by our names; ValueError or TypeError as `fit`."""

    def by_name(input_size: int) -> dict[str, tuple[int, ...]]:
        return {name: leaf.shape for name, leaf in named(shapes(layer, input_size)).items()}

    arrays, input_size = fit(f"{what} {layer}", entries, by_name)
    return rebuilt(shapes(layer, input_size), arrays)


def owned(arrays: Arrays) -> Arrays:
    """Contiguous copies, which share no memory with what they were made of."""
    return {name: np.array(array, order="C") for name, array in arrays.items()}
