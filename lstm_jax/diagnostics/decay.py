"""How fast a signal fades or grows with the lag, in one number and one word."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Float

FACTOR = 100.0
"""By how much a gradient may change over the lags and still count as steady."""
UNDERFLOW = 1e-20
"""The share that is left of what underflows next, at most: far above the least float32."""


class Decay(NamedTuple):
    """What becomes of norms with the lag.

    Args:
        rate: what a step multiplies the signal by.
        e_folding: the lags over which it falls, or grows, by a factor of e.
        change: the norm at the longest lag over that at the shortest with a signal.
        verdict: the word for it.
    """

    rate: float
    e_folding: float
    change: float
    verdict: Literal["vanishing", "dead", "steady", "exploding", "no signal"]


def decay(norms: Float[Array, " T"]) -> Decay:
    """Fit norms = a * rate^lag by least squares on their logarithms.

    Lags with a norm of zero, infinity or NaN are left out of the fit. Zeros after the last signal
    have underflowed and count as vanished, or nothing passes them on at all; an infinity counts as
    exploded; NaN, where no sequence reaches, counts as nothing.

    The verdict is of the change, over all lags: "vanishing" if the norm falls by 100 or more,
    "exploding" if it grows by as much, else "steady". Why 100: a
    weight gradient is a sum over steps, sampled by sequences. What contributes a share s of it
    stands out of the sampling noise of the rest after about 1/s^2 sequences, 10^4 for a
    hundredth; problems of long lags take 10^4 to 10^5 to be solved at all. Where the far end is a
    hundred times the near one, the near one is lost in the same way.
    "dead" is where they are zero from one lag to the next, as where no unit of a rectified network
    is above zero; "no signal" where all are.

    Args:
        norms: (T,) by lag, as `gradient_flow` gives.

    Raises ValueError for an array of other than one axis, or without a lag that a sequence
    reaches.

    >>> rate, e_folding, change, verdict = decay(np.exp(-np.arange(100) / 10))
    >>> round(rate, 3), round(e_folding, 6), verdict
    (0.905, 10.0, 'vanishing')
    """
    values = np.asarray(norms, np.float64)
    if values.ndim != 1:
        raise ValueError(f"norms must be (T,), one for each lag, got shape {values.shape}")
    reached = np.flatnonzero(~np.isnan(values))
    if not reached.size:
        raise ValueError(f"norms must have a lag that a sequence reaches, got {len(values)} NaN")
    there = np.flatnonzero((values > 0) & np.isfinite(values))
    exploded = bool(np.isinf(values).any())
    if not there.size:
        return Decay(np.inf, 0.0, np.inf, "exploding") if exploded else _NO_SIGNAL
    change = np.inf if exploded else float(values[reached[-1]] / values[there[0]])
    if there.size == 1:
        slope = np.inf if exploded else -np.inf if change == 0 else 0.0
    else:
        slope = float(np.polyfit(there, np.log(values[there]), 1)[0])
    with np.errstate(over="ignore"):
        rate = float(np.exp(slope))
    verdict: Literal["vanishing", "dead", "steady", "exploding"] = "steady"
    if change >= FACTOR:
        verdict = "exploding"
    elif change == 0 and values[there[-1]] > UNDERFLOW * values[there[0]]:
        verdict = "dead"
    elif change <= 1 / FACTOR:
        verdict = "vanishing"
    return Decay(rate, float(1 / abs(slope)) if slope else np.inf, change, verdict)


_NO_SIGNAL = Decay(np.nan, np.nan, np.nan, "no signal")
