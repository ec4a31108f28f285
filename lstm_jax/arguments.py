"""Holds what `unroll` is given to what it takes, each fault in one sentence.

Raises ValueError for shapes and values, TypeError for dtypes and structures.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array

from lstm_jax.cells import Cell, state_dtype
from lstm_jax.noise import Noise


@functools.lru_cache(maxsize=256)
def shapes(layer: Any, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
    """The parameters of a cell or a layer as `jax.ShapeDtypeStruct`, without drawing any."""
    return layer.param_shapes(input_size, dtype)


def check_cell(cell: Any) -> None:
    """Hold a cell to its type; layers have an `unroll` of their own."""
    if isinstance(cell, Cell):
        return
    given = f"the class {cell.__name__}" if isinstance(cell, type) else type(cell).__name__
    hint = "; call its own unroll" if hasattr(cell, "unroll") else ""
    raise TypeError(f"cell must be a cell such as LSTM(64), got {given}{hint}")


def check_flag(name: str, value: Any) -> bool:
    """True or False, known before anything is computed."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_inputs(cell: Cell, params: Any, xs: Any) -> Array:
    """The inputs in the type that they are computed in, for parameters that fit them."""
    xs = jnp.asarray(xs)
    if xs.ndim != 3:
        raise ValueError(f"xs must be time-major (T, B, I), got shape {xs.shape}")
    if not jnp.issubdtype(xs.dtype, jnp.floating):
        raise TypeError(f"xs must be floating point, got {xs.dtype}; embed or one-hot tokens first")
    dtype = jnp.result_type(*jax.tree.leaves(params)[:1] or [xs.dtype])
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"params must be floating point, got {dtype}")
    check_tree(
        f"for xs of width {xs.shape[-1]}, params",
        params,
        shapes(cell, xs.shape[-1], dtype),
    )
    dtype = state_dtype(jnp.zeros((), dtype))
    if xs.dtype.itemsize > dtype.itemsize:
        raise TypeError(f"xs is {xs.dtype} but the parameters are {dtype}; cast one of them")
    return xs.astype(dtype)


def check_state(cell: Cell, params: Any, state: Any, batch: int) -> Any:
    """The state to start from, given or not."""
    if state is None:
        return cell.initial_state(params, batch)
    expected = jax.eval_shape(lambda p: cell.initial_state(p, batch), params)
    check_tree("state", state, expected)
    return jax.tree.map(jnp.asarray, state)


def check_tree(what: str, tree: Any, expected: Any) -> None:
    """Hold a pytree of arrays to the structure, shapes and dtypes of another."""
    structures: list[Any] = [jax.tree.structure(each) for each in (tree, expected)]
    if structures[0] != structures[1]:
        given, wanted = (jax.tree.map(_shape, each) for each in (tree, expected))
        raise TypeError(f"{what} must be {wanted}, got {given}")
    pairs = zip(jax.tree.leaves_with_path(tree), jax.tree.leaves(expected), strict=True)
    for (path, leaf), wanted in pairs:
        name = what + jax.tree_util.keystr(path)
        if jnp.shape(leaf) != wanted.shape:
            raise ValueError(f"{name} must have shape {wanted.shape}, got {jnp.shape(leaf)}")
        if jnp.result_type(leaf) != wanted.dtype:
            raise TypeError(f"{name} must be {wanted.dtype}, got {jnp.result_type(leaf)}")


def _shape(leaf: Any) -> Any:
    """What a message shows of a leaf, be it an array or not."""
    return getattr(leaf, "shape", type(leaf).__name__)


def check_lengths(lengths: Any, steps: int, batch: int) -> Array | None:
    """Lengths in 0..T; those that are not known yet are clipped."""
    if lengths is None:
        return None
    if not isinstance(lengths, jax.Array):
        lengths = np.asarray(lengths)
    if not jnp.issubdtype(jnp.result_type(lengths), jnp.integer):
        raise TypeError(f"lengths must be integers, got {jnp.result_type(lengths)}")
    if jnp.shape(lengths) != (batch,):
        raise ValueError(f"lengths must have shape ({batch},), got {jnp.shape(lengths)}")
    if not isinstance(lengths, jax.core.Tracer):
        values = np.asarray(lengths)
        outside = values[(values < 0) | (values > steps)]
        if outside.size:
            raise ValueError(f"lengths must be in 0..{steps}, got {outside[0]}")
    return jnp.asarray(lengths).astype(jnp.int32).clip(0, steps)


def check_tokens(tokens: Any, count: int, lengths: Any = None) -> None:
    """Hold tokens to 0..count-1, as far as they are known and their sequences go."""
    if any(isinstance(each, jax.core.Tracer) for each in (tokens, lengths)):
        return
    values = np.asarray(tokens)
    outside = (values < 0) | (values >= count)
    if lengths is not None:
        outside &= np.arange(len(values))[:, None] < np.asarray(lengths)
    if outside.any():
        raise ValueError(f"tokens must be in 0..{count - 1}, got {values[outside][0]}")


def check_resets(resets: Any, steps: int, batch: int) -> Array | None:
    """Resets as an array."""
    if resets is None:
        return None
    resets = jnp.asarray(resets)
    if jnp.result_type(resets) != jnp.bool_:
        raise TypeError(f"resets must be booleans, got {jnp.result_type(resets)}")
    if jnp.shape(resets) != (steps, batch):
        raise ValueError(f"resets must have shape {(steps, batch)}, got {jnp.shape(resets)}")
    return resets


def check_noise(noise: Any, batch: int | None = None) -> None:
    """Hold noise to its type, its parts to theirs, and its rows to the batch."""
    if noise is None:
        return
    if not isinstance(noise, Noise):
        raise TypeError(
            f"noise must be a Noise, as in noise=Noise(key), got {type(noise).__name__}"
        )
    if not (_is_of(noise.key, jax.dtypes.prng_key) and jnp.shape(noise.key) == ()):
        raise TypeError(f"noise.key must be one key, as jax.random.key(0), got {noise.key!r}")
    if not (_is_of(noise.first_step, jnp.integer) and jnp.shape(noise.first_step) == ()):
        raise TypeError(f"noise.first_step must be a number of steps, got {noise.first_step!r}")
    if noise.rows is None:
        return
    if not _is_of(noise.rows, jnp.integer):
        raise TypeError(f"noise.rows must be an array of integers, got {noise.rows!r}")
    if batch is not None and jnp.shape(noise.rows) != (batch,):
        raise ValueError(f"noise.rows must have shape ({batch},), got {jnp.shape(noise.rows)}")


def _is_of(value: Any, dtype: Any) -> bool:
    """Whether it is an array, or a number, of a kind of dtype."""
    if not isinstance(value, jax.Array | np.ndarray | np.generic | int):
        return False
    return not isinstance(value, bool) and jnp.issubdtype(jnp.result_type(value), dtype)
