"""Arithmetic on packed gates that other frameworks' layouts need."""

import numpy as np


def split(packed: np.ndarray, order: str) -> dict[str, np.ndarray]:
    """The gates packed along the last axis, by the letters of `order`."""
    return dict(zip(order, np.split(packed, len(order), axis=-1), strict=True))


def pack(gates: dict[str, np.ndarray], order: str) -> np.ndarray:
    """The gates along the last axis in that order."""
    return np.concatenate([gates[name] for name in order], axis=-1)


def reorder(packed: np.ndarray, here: str, there: str) -> np.ndarray:
    """Gates packed in one order, in another.

    >>> reorder(np.array([1, 2, 3, 4]), "ifgo", "igfo")
    array([1, 3, 2, 4])
    """
    return pack(split(packed, here), there)


def total(b_x: np.ndarray, b_h: np.ndarray) -> np.ndarray:
    """Two biases as one; where one of them is zero, the other to the last bit.

    -0.0 + 0.0 is 0.0 in floating point: added up, a bias of -0.0 would lose its sign.
    """
    both = b_x + b_h
    return np.where(b_h == 0, b_x, np.where(b_x == 0, b_h, both))


def lead(b_u: np.ndarray, gates: int) -> np.ndarray:
    """The recurrent biases (gates * H,) whose last gate has b_u (H,) and all others zero."""
    return np.concatenate([np.zeros((gates - 1) * len(b_u), b_u.dtype), b_u])


def gru_biases(b_x: np.ndarray, b_h: np.ndarray, order: str = "rzn") -> dict[str, np.ndarray]:
    """Our two biases of a GRU, of one of the input and one of the recurrent product."""
    x, h = split(b_x, order), split(b_h, order)
    both = {name: total(x[name], h[name]) for name in "rz"} | {"n": x["n"]}
    return {"b": pack(both, "rzn"), "b_u": h["n"]}
