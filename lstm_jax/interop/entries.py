"""Dicts of arrays by name: held to the names, shapes and dtypes expected, flat or nested.

A dict that does not fit is refused in one message, which lists every missing, misshapen and extra
entry.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lstm_jax.checks import nearest

Arrays = dict[str, np.ndarray]
Shape = tuple[int, ...]

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""What weights may be."""


def fit(
    what: str,
    entries: Mapping[str, Any],
    shapes: Callable[[int], Mapping[str, Shape]],
    *,
    mixed: bool = False,
) -> tuple[Arrays, int]:
    """The entries as NumPy arrays, and the input size I that they show.

    Args:
        what: the beginning of an error message.
        entries: arrays by name.
        shapes: the names and shapes expected, for an I.
        mixed: whether the entries may differ in dtype.

    Raises:
        ValueError: entries are missing, misshapen or extra.
        TypeError: an entry is no floating-point array, or they differ in dtype and may not.

    >>> shapes = lambda size: {"w": (size, 3), "b": (3,)}
    >>> fit("weights", {"w": np.ones((2, 3)), "c": np.ones(3)}, shapes)
    Traceback (most recent call last):
    ValueError: weights:
      missing: b, shape (3,)
      extra: c
    """
    if not isinstance(entries, Mapping):
        raise TypeError(f"{what}: they are a dict of arrays by name, got {type(entries).__name__}")
    arrays = {name: np.asarray(leaf) for name, leaf in entries.items()}
    size, expected = _input_size(arrays, shapes)
    missing = sorted(expected.keys() - arrays.keys())
    faults = [f"missing: {name}, shape {_told(expected[name])}" for name in missing]
    for name in sorted(expected.keys() & arrays.keys()):
        if arrays[name].shape != expected[name]:
            wanted, got = _told(expected[name]), _told(arrays[name].shape)
            faults.append(f"misshapen: {name} must have shape {wanted}, got {got}")
    for name in sorted(arrays.keys() - expected.keys()):
        # One that is missing has likely come under a wrong name.
        hint, _, _ = nearest(name, missing).partition("known: ")
        faults.append(f"extra: {name}; {hint}".rstrip("; "))
    if faults:
        raise ValueError("\n  ".join([f"{what}:", *faults]))
    _check_dtypes(what, arrays, mixed)
    return arrays, size


def _input_size(
    arrays: Arrays, shapes: Callable[[int], Mapping[str, Shape]]
) -> tuple[int, dict[str, tuple]]:
    """I as the first entry shows it that has one, and the shapes expected with it."""
    with_1, with_2 = shapes(1), shapes(2)
    for name, shape in with_1.items():
        found = arrays[name].shape if name in arrays else ()
        for axis, (one, two) in enumerate(zip(shape, with_2[name], strict=True)):
            if one != two and len(found) == len(shape) and found[axis] >= one:
                size = found[axis] - one + 1
                return size, dict(shapes(size))
    unknown = {}
    for name, shape in with_1.items():
        axes = zip(shape, with_2[name], strict=True)
        unknown[name] = tuple(one if one == two else _with_i(one) for one, two in axes)
    return 1, unknown


def _check_dtypes(what: str, arrays: Arrays, mixed: bool) -> None:
    faults = [
        f"{name} must be one of {', '.join(FLOATS)}, got {array.dtype}"
        for name, array in arrays.items()
        if array.dtype.name not in FLOATS
    ]
    found: dict[str, str] = {}
    for name, array in arrays.items():
        found.setdefault(array.dtype.name, name)
    if not faults and not mixed and len(found) > 1:
        faults = [f"{name} is {dtype}, all must be of one dtype" for dtype, name in found.items()]
    if faults:
        raise TypeError("\n  ".join([f"{what}:", *faults]))


def _with_i(axis: int) -> str:
    """An axis that is so long where I is 1."""
    return f"I + {axis - 1}" if axis > 1 else "I"


def _told(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def flatten(entries: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, the keys on the way joined by "/"; a key may be an int.

    >>> flatten({"cell": {"ii": 1, "hi": {"bias": 2}}})
    {'cell/ii': 1, 'cell/hi/bias': 2}
    """
    flat: dict[str, Any] = {}
    for key, value in entries.items():
        name = f"{prefix}{key}"
        inner = flatten(value, f"{name}/") if isinstance(value, Mapping) else {name: value}
        for name, leaf in inner.items():
            if name in flat:
                raise ValueError(f"entry {name} is there twice")
            flat[name] = leaf
    return flat


def nest(flat: Mapping[str, Any]) -> dict[Any, Any]:
    """The nested dicts that `flatten` made one; a key of digits is an int.

    >>> nest({"layers/0/kernel": 1, "layers/0/bias": 2})
    {'layers': {0: {'kernel': 1, 'bias': 2}}}
    """
    nested: dict[Any, Any] = {}
    for name, leaf in flat.items():
        *path, last = (int(key) if key.isdigit() else key for key in name.split("/"))
        inner = nested
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = leaf
    return nested
