"""The front door: run a cell over whole sequences.

`unroll` checks what it is given, gives lengths, resets and reverse their one meaning, and
hands the loop to an executor.
"""

import functools
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from lstm_jax import sequence
from lstm_jax.cells import Cell
from lstm_jax.checks import named
from lstm_jax.executors import EXECUTORS


def unroll(
    cell: Cell,
    params: Any,
    xs: Float[Array, "T B I"],
    state: Any = None,
    *,
    lengths: Shaped[Array, " B"] | None = None,
    resets: Shaped[Array, "T B"] | None = None,
    reverse: bool = False,
    executor: str = "auto",
) -> tuple[Any, Float[Array, "T B H"]]:
    """Run `cell` over sequences.

    Args:
        cell: the step, and its hyper-parameters.
        params: from `cell.init`.
        xs: inputs, time-major (T, B, I).
        state: the state to start from; left out, `cell.initial_state`.
        lengths: (B,) integers in 0..T. Past its length a sequence's state is held and its
            output is zero; length 0 returns the state it began with.
        resets: (T, B) booleans; the state is set back to `cell.initial_state` before step t.
        reverse: run each sequence backwards within its length; outputs in input order.
        executor: a name of `lstm_jax.executors.EXECUTORS`, or "auto".

    Returns:
        The final state of each sequence, and the outputs (T, B, H).

    Raises:
        ValueError: a shape, a length or a name that does not fit, or an executor that cannot
            serve the call. Under `jit` the values of `lengths` are not known and count as
            clipped to 0..T.
        TypeError: a dtype that does not fit.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=4)
    >>> params = cell.init(jax.random.key(0), input_size=3)
    >>> xs = jax.random.normal(jax.random.key(1), (10, 2, 3))
    >>> state, ys = unroll(cell, params, xs, lengths=jnp.array([10, 6]))
    >>> ys.shape, state.c.shape, float(abs(ys[6:, 1]).max())
    ((10, 2, 4), (2, 4), 0.0)
    """
    xs = _check_inputs(cell, params, xs)
    steps, batch, _ = xs.shape
    state = _check_state(cell, params, state, batch)
    lengths = _check_lengths(lengths, steps, batch)
    resets = _check_resets(resets, steps, batch)
    executor = choose_executor(cell, executor).name

    mask = None
    if lengths is not None:
        mask = sequence.mask(lengths, steps)
        xs = sequence.silence(xs, mask)
    if reverse:
        xs, resets = sequence.flip((xs, resets), lengths)
    if resets is not None and mask is not None:
        resets = resets & mask
    final, ys = _run(executor, cell, params, state, xs, mask, resets)
    chex.assert_trees_all_equal_shapes_and_dtypes(final, state)
    chex.assert_shape(ys, (steps, batch, cell.output_size))
    return final, sequence.flip(ys, lengths) if reverse else ys


@functools.partial(jax.jit, static_argnames=("executor", "cell"))
def _run(executor: str, cell: Cell, *arrays: Any) -> tuple[Any, Array]:
    """Compiled here too, so that a call outside of any `jit` does not compile its loop anew."""
    return EXECUTORS[executor].run(cell, *arrays)


class Choice(NamedTuple):
    """Which executor serves a call, and why the others do not."""

    name: str
    refused: dict[str, str]


def choose_executor(cell: Cell, executor: str = "auto") -> Choice:
    """The executor that `unroll` will use for `cell`, without running it.

    Raises ValueError for an unknown name, or for a named executor that cannot serve the call.

    >>> from lstm_jax import LSTM
    >>> choose_executor(LSTM(hidden_size=4)).name
    'scan'
    """
    if executor != "auto":
        reason = named("executor", executor, {"auto": None} | EXECUTORS).unsupported(cell)
        if reason:
            raise ValueError(f"executor {executor!r} cannot run {cell}: {reason}")
        return Choice(executor, {})
    refused: dict[str, str] = {}
    for name, candidate in EXECUTORS.items():
        reason = candidate.unsupported(cell)
        if reason is None:
            return Choice(name, refused)
        refused[name] = reason
    raise ValueError(f"no executor can run {cell}: {refused}")


@functools.lru_cache(maxsize=256)
def _expected_params(cell: Cell, input_size: int, dtype: Any) -> Any:
    return jax.eval_shape(lambda key: cell.init(key, input_size, dtype), jax.random.key(0))


def _check_inputs(cell: Cell, params: Any, xs: Any) -> Array:
    xs = jnp.asarray(xs)
    if xs.ndim != 3:
        raise ValueError(f"xs must be time-major (T, B, I), got shape {xs.shape}")
    if not jnp.issubdtype(xs.dtype, jnp.floating):
        raise TypeError(f"xs must be floating point, got {xs.dtype}; embed or one-hot tokens first")
    dtype = jnp.result_type(*jax.tree.leaves(params)[:1] or [xs.dtype])
    _check_tree(
        f"for xs of width {xs.shape[-1]}, params",
        params,
        _expected_params(cell, xs.shape[-1], dtype),
    )
    if xs.dtype.itemsize > dtype.itemsize:
        raise TypeError(f"xs is {xs.dtype} but the parameters are {dtype}; cast one of them")
    return xs.astype(dtype)


def _check_state(cell: Cell, params: Any, state: Any, batch: int) -> Any:
    if state is None:
        return cell.initial_state(params, batch)
    expected = jax.eval_shape(lambda p: cell.initial_state(p, batch), params)
    _check_tree("state", state, expected)
    return state


def _check_tree(what: str, tree: Any, expected: Any) -> None:
    """Hold a pytree of arrays to the structure, shapes and dtypes of another."""
    names = [str(jax.tree.structure(each)) for each in (tree, expected)]
    if names[0] != names[1]:
        raise TypeError(f"{what} must be {names[1]}, got {names[0]}")
    pairs = zip(jax.tree.leaves_with_path(tree), jax.tree.leaves(expected), strict=True)
    for (path, leaf), wanted in pairs:
        name = what + jax.tree_util.keystr(path)
        if jnp.shape(leaf) != wanted.shape:
            raise ValueError(f"{name} must have shape {wanted.shape}, got {jnp.shape(leaf)}")
        if jnp.result_type(leaf) != wanted.dtype:
            raise TypeError(f"{name} must be {wanted.dtype}, got {jnp.result_type(leaf)}")


def _check_lengths(lengths: Any, steps: int, batch: int) -> Array | None:
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


def _check_resets(resets: Any, steps: int, batch: int) -> Array | None:
    if resets is None:
        return None
    resets = jnp.asarray(resets)
    if jnp.result_type(resets) != jnp.bool_:
        raise TypeError(f"resets must be booleans, got {jnp.result_type(resets)}")
    if jnp.shape(resets) != (steps, batch):
        raise ValueError(f"resets must have shape {(steps, batch)}, got {jnp.shape(resets)}")
    return resets
