"""The Jacobian of a cell's state over a span of steps, and how it stretches on average.

    J_t = ds_t / ds_(t-1)                   s: all numbers of the state side by side, c before h
    J   = J_T ... J_1                       over a span; its singular values are the stretching
                                            of a unit ball of perturbations
    Q_t R_t = J_t Q_(t-1)                   QR at every step keeps the directions apart
    lambda_n = mean over t of ln |R_t[n,n]|     Lyapunov exponents, in nats a step

The product itself under- or overflows over long spans, and its columns all turn towards the
direction that grows most; the QR keeps all of them within range. A negative largest exponent is a
state that forgets its past, zero an integrator, a positive one chaos.

Sources: Benettin et al. 1980 (the algorithm); Engelken, Wolf & Abbott 2020 ("Lyapunov spectra of
chaotic recurrent neural networks") and Vogt et al. 2020 ("On Lyapunov exponents for RNNs").
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lstm_jax import arguments
from lstm_jax.cells import Cell, widen
from lstm_jax.checks import check
from lstm_jax.diagnostics.flat import laid, parted


def state_jacobian(
    cell: Cell, params: Any, xs: Float[Array, "T B I"], state: Any = None
) -> Float[Array, "B S S"]:
    """The Jacobian of the state after all steps by the state before them, for each sequence.

    Args:
        cell: any cell; its derivative is taken in forward mode. A truncated `LSTM1997` gives the
            derivative that it trains with.
        params: its parameters.
        xs: the inputs of the span.
        state: the state that it begins in; left out, `cell.initial_state`.

    Returns:
        (B, S, S), the rows what comes out and the columns what went in; S is the numbers of a
        state, its leaves side by side: c, then h.

    Raises TypeError and ValueError as `lstm_jax.unroll`.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=3)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> jacobian = state_jacobian(cell, params, jnp.ones((5, 2, 2)))
    >>> jnp.linalg.svd(jacobian, compute_uv=False).shape
    (2, 6)
    """
    return _state_jacobian(cell, *_fitting(cell, params, xs, state))


@functools.partial(jax.jit, static_argnames="cell")
def _state_jacobian(cell: Cell, params: Any, xs: Array, state: Any) -> Float[Array, "B S S"]:
    def advance(carry: tuple[Any, Array], x: Array) -> tuple[tuple[Any, Array], None]:
        return _pushed(cell, params, *carry, x), None

    rows = laid(state)
    batch, size = rows.shape
    unit = jnp.broadcast_to(jnp.eye(size, dtype=rows.dtype), (batch, size, size))
    (_, columns), _ = jax.lax.scan(advance, (state, unit), xs)
    return columns


def lyapunov_spectrum(
    cell: Cell,
    params: Any,
    xs: Float[Array, "T B I"],
    state: Any = None,
    *,
    count: int | None = None,
    warmup: int = 0,
) -> Float[Array, "B K"]:
    """The Lyapunov exponents of a cell that is driven by inputs, in nats a step.

    Args:
        cell: as for `state_jacobian`.
        params: its parameters.
        xs: the inputs that drive it.
        state: the state that it begins in; left out, `cell.initial_state`.
        count: K, how many exponents, the largest first; left out, all S of them.
        warmup: steps at the beginning that do not count, in which the state settles and the
            directions turn to where they belong.

    Returns:
        (B, K) for each sequence of inputs. -inf where a step maps a direction to nothing.

    Raises ValueError for a count outside 1..S or a warmup outside 0..T-1, else as `unroll`.

    >>> from lstm_jax import Elman
    >>> cell = Elman(hidden_size=3)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (200, 2, 2))
    >>> exponents = lyapunov_spectrum(cell, params, xs, warmup=100)
    >>> exponents.shape, bool((exponents < 0).all())
    ((2, 3), True)
    """
    params, xs, state = _fitting(cell, params, xs, state)
    size = jax.eval_shape(laid, state).shape[-1]
    check("count", count, int | None)
    check("warmup", warmup, int)
    count = size if count is None else count
    if not 1 <= count <= size:
        raise ValueError(f"count must be in 1..{size}, the numbers of a state, got {count}")
    if not 0 <= warmup < len(xs):
        raise ValueError(f"warmup must be in 0..{len(xs) - 1}, below the steps, got {warmup}")
    return _lyapunov_spectrum(cell, count, warmup, params, xs, state)


@functools.partial(jax.jit, static_argnames=("cell", "count", "warmup"))
def _lyapunov_spectrum(
    cell: Cell, count: int, warmup: int, params: Any, xs: Array, state: Any
) -> Float[Array, "B K"]:
    def advance(carry: tuple[Any, Array], x: Array) -> tuple[tuple[Any, Array], Array]:
        state, columns = _pushed(cell, params, *carry, x)
        q, r = jnp.linalg.qr(columns)
        return (state, q), jnp.log(jnp.abs(jnp.diagonal(r, axis1=-2, axis2=-1)))

    rows = laid(state)
    batch, size = rows.shape
    directions = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (size, count), rows.dtype))[0]
    start = jnp.broadcast_to(directions, (batch, size, count))
    _, growth = jax.lax.scan(advance, (state, start), xs)
    return -jnp.sort(-growth[warmup:].mean(axis=0), axis=-1)


def _fitting(cell: Cell, params: Any, xs: Any, state: Any) -> tuple[Any, Array, Any]:
    """Arguments as they are computed with, held to what fits the cell."""
    arguments.check_cell(cell)
    xs = arguments.check_inputs(cell, params, xs)
    params = widen(params)
    return params, xs, arguments.check_state(cell, params, state, xs.shape[1])


def _pushed(
    cell: Cell, params: Any, state: Any, columns: Float[Array, "B S K"], x: Float[Array, "B I"]
) -> tuple[Any, Float[Array, "B S K"]]:
    """A step of the state, and of K perturbations of it."""
    after, push = jax.linearize(lambda state: cell.advance(params, state, x), state)

    def column(direction: Float[Array, "B S"]) -> Float[Array, "B S"]:
        return laid(push(parted(direction, state)))

    return after, jax.vmap(column, in_axes=-1, out_axes=-1)(columns)
