"""How much of the past a linear readout finds in the state: the memory curve.

For every lag k a ridge regression recovers the input of k steps ago from the state of now. Half of
the sequences fit it, the others score it by R^2, the share of the variance that it explains: 1 is
perfect recall, 0 no better than the mean, and below 0 worse than that. The sum over lags is the
memory capacity of a scalar input.

Source: Jaeger 2001 ("Short term memory in echo state networks").
"""

from collections.abc import Sequence
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt
from jaxtyping import Array, Float, Int, Shaped

from lstm_jax import sequence
from lstm_jax.arguments import check_lengths
from lstm_jax.checks import check
from lstm_jax.diagnostics.observers import state_parts
from lstm_jax.diagnostics.subjects import Inputs, Subject, by_cell, view

NOISE = 1e-4
"""Variance of the noise that a readout has to withstand, as a share of each unit's variance.

Without any, it would find memory in digits of the state that nothing downstream can use; well
above a rounding of float32, it also keeps the normal equations solvable.
"""


def memory_curve(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    lags: Sequence[int],
    lengths: Shaped[Array, " B"] | None = None,
    *,
    signal: Float[Array, "T B D"] | None = None,
    noise: float = NOISE,
) -> tuple[Float[Array, " K"], ...]:
    """R^2 of the input of k steps ago, read linearly from the whole state, as at evaluation.

    Args:
        subject: a `SequenceModel`, a `Stack`, a `Bidirectional` or a cell.
        params: its parameters.
        inputs: values (T, B, I), or the tokens (T, B) of a model of tokens.
        lags: K numbers of steps, each in 0..T-1.
        lengths: (B,) the steps of each sequence; left out, all have T.
        signal: what is to be recovered, (T, B, D); left out, what the stack sees: the values, or
            the tokens one-hot or embedded.
        noise: as for `recall`.

    Returns:
        For each cell (see `cell_names`) R^2 at each lag. A backward cell has not yet seen what
        came before.

    Raises ValueError for a lag outside 0..T-1 or fewer than two sequences, TypeError and
    ValueError as `lstm_jax.unroll`.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=16)
    >>> params = cell.init(jax.random.key(0), input_size=1)
    >>> xs = jax.random.normal(jax.random.key(1), (100, 8, 1))
    >>> (curve,) = memory_curve(cell, params, xs, lags=[0, 1, 50])
    >>> bool(curve[0] > 0.95), bool(curve[2] < 0.1)
    (True, True)
    """
    stack, of_stack, xs, _ = view(subject, params, inputs)
    _, _, states = stack.unroll(of_stack, xs, lengths=lengths, return_states=True)
    wanted = xs if signal is None else signal
    parts = (jnp.concatenate([*state_parts(s).values()], -1) for s in by_cell(stack, states))
    return tuple(recall(part, wanted, lags, lengths, noise=noise) for part in parts)


def recall(
    states: Float[Array, "T B H"],
    signal: Float[Array, "T B D"],
    lags: Sequence[int],
    lengths: Shaped[Array, " B"] | None = None,
    *,
    noise: float = NOISE,
) -> Float[Array, " K"]:
    """R^2 of the signal of k steps ago, read linearly from states.

    Every other sequence fits the readout, the rest score it. Several numbers of a signal count by
    their variance. NaN where there is nothing to explain.

    Args:
        states: (T, B, H) after each step.
        signal: (T, B, D) what is to be recovered.
        lags: K numbers of steps, each in 0..T-1.
        lengths: (B,) the steps of each sequence; left out, all have T.
        noise: the ridge: the variance of noise that the readout withstands, as a share of each
            unit's variance.

    Raises ValueError for a lag outside 0..T-1, fewer than two sequences, or a signal of other
    steps or sequences than the states.

    >>> signal = jax.random.normal(jax.random.key(0), (50, 4, 1))
    >>> delayed = jnp.roll(signal, 3, axis=0)
    >>> [round(float(found), 2) for found in recall(delayed, signal, [3])]
    [1.0]
    """
    check("noise", noise, Annotated[float, Gt(0.0)])
    steps, batch, _ = states.shape
    if signal.ndim != 3 or signal.shape[:2] != (steps, batch):
        raise ValueError(f"signal must be ({steps}, {batch}, D) as the states, got {signal.shape}")
    if batch < 2:
        raise ValueError(f"recall needs two sequences, one to fit and one to score, got {batch}")
    for lag in lags:
        if not 0 <= lag < steps:
            raise ValueError(f"lags must be in 0..{steps - 1}, below the steps, got {lag}")
    ends = check_lengths(lengths, steps, batch)
    mask = jnp.ones((steps, batch), bool) if ends is None else sequence.mask(ends, steps)
    return _recall(states, signal.astype(states.dtype), np.asarray(lags, np.int32), mask, noise)


@jax.jit
def _recall(
    states: Float[Array, "T B H"],
    signal: Float[Array, "T B D"],
    lags: Int[Array, " K"],
    mask: Array,
    noise: Array,
) -> Float[Array, " K"]:
    steps, batch, _ = states.shape

    def at_lag(lag: Array) -> Array:
        there = mask & (jnp.arange(steps)[:, None] >= lag)
        wanted = jnp.roll(signal, lag, axis=0)
        fits = (jnp.arange(batch) % 2 == 0) & there
        scores = (jnp.arange(batch) % 2 == 1) & there
        read = _readout(states, wanted, fits.astype(states.dtype), noise)
        weight = scores.astype(states.dtype)[..., None]
        mean = (wanted * weight).sum((0, 1)) / weight.sum()
        missed = (jnp.square(wanted - read) * weight).sum()
        return 1 - missed / (jnp.square(wanted - mean) * weight).sum()

    return jax.lax.map(at_lag, lags)


def _readout(states: Array, wanted: Array, weight: Float[Array, "T B"], noise: Array) -> Array:
    """What a ridge regression with an intercept, fitted where `weight` is 1, makes of states."""
    count = weight.sum()
    each = weight[..., None]

    def centre(values: Array) -> tuple[Array, Array]:
        mean = (values * each).sum((0, 1)) / count
        return values - mean, mean

    (x, _), (y, mean) = centre(states), centre(wanted)
    variance = (jnp.square(x) * each).sum((0, 1)) / count
    x = x * jnp.where(variance > 0, jax.lax.rsqrt(jnp.where(variance > 0, variance, 1)), 0)
    gram = jnp.einsum("tbi,tbj->ij", x * each, x) / count
    moments = jnp.einsum("tbi,tbj->ij", x * each, y) / count
    ridge = noise.astype(x.dtype) * jnp.eye(len(gram), dtype=x.dtype)
    weights = jax.scipy.linalg.solve(gram + ridge, moments, assume_a="pos")
    return jnp.einsum("tbi,ij->tbj", x, weights) + mean
