"""Weights to and from the content of a safetensors file.

The tensors have our names: w_x, w_h, b of a cell; 0.forward.w_x of a cell in a `Bidirectional` in a
`Stack`. Bytes go in and come out: reading and writing the file is the caller's.
"""

from typing import Any

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from lstm_jax.cells import Cell
from lstm_jax.interop.entries import Arrays, fit
from lstm_jax.interop.trees import fitted, named, owned, rebuilt
from lstm_jax.layers import Layer

DTYPES = {
    "F64": np.dtype("float64"),
    "F32": np.dtype("float32"),
    "F16": np.dtype("float16"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
"""Safetensors' names of what weights may be; its own NumPy reader knows no bfloat16."""


def to_safetensors(params: Any) -> bytes:
    """The content of a safetensors file with these parameters: any tree of arrays.

    Raises TypeError for a leaf that is no floating-point array.

    >>> from lstm_jax.cells import ElmanParams
    >>> params = ElmanParams(np.ones((2, 3)), np.ones((3, 3)), np.ones(3))
    >>> sorted(safetensors.numpy.load(to_safetensors(params)))
    ['b', 'w_h', 'w_x']
    """
    arrays = {name: np.asarray(leaf) for name, leaf in named(params).items()}
    wrong = [f"{name} is {a.dtype}" for name, a in arrays.items() if a.dtype not in DTYPES.values()]
    if wrong:
        raise TypeError(
            f"weights must be {', '.join(map(str, DTYPES.values()))}: {', '.join(wrong)}"
        )
    return safetensors.numpy.save(owned(arrays))


def from_safetensors(like: Any, data: bytes) -> Any:
    """The parameters in the content of a safetensors file.

    Args:
        like: the layer that they are of, or a tree of arrays or `jax.ShapeDtypeStruct` with their
            structure, shapes and dtypes, as `jax.eval_shape(model.init, key)` gives it.
        data: what the file holds.

    Returns:
        Parameters of NumPy arrays, to the last bit those that `to_safetensors` got.

    Raises:
        ValueError: `data` is not in this format; tensors are missing, extra or misshapen.
        TypeError: tensors are not floating point, or not of the dtype of `like`.
    """
    arrays = _decoded(data)
    if isinstance(like, Cell | Layer):
        return fitted("the tensors do not fit", like, arrays)
    expected = named(like)
    shapes = {name: tuple(leaf.shape) for name, leaf in expected.items()}
    fit("the tensors do not fit", arrays, lambda _: shapes, mixed=True)
    wrong = [
        f"{name} must be {leaf.dtype}, got {arrays[name].dtype}"
        for name, leaf in expected.items()
        if arrays[name].dtype != leaf.dtype
    ]
    if wrong:
        raise TypeError(f"the tensors do not fit: {', '.join(wrong)}")
    return rebuilt(like, arrays)


def _decoded(data: bytes) -> Arrays:
    try:
        tensors = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ValueError(f"not the content of a safetensors file: {error}") from error
    unknown = {name: each["dtype"] for name, each in tensors.items() if each["dtype"] not in DTYPES}
    if unknown:
        told = ", ".join(f"{name} is {dtype}" for name, dtype in unknown.items())
        raise TypeError(f"weights must be {', '.join(DTYPES)}: {told}")
    return {
        name: np.frombuffer(each["data"], DTYPES[each["dtype"]]).reshape(each["shape"]).copy()
        for name, each in tensors.items()
    }
