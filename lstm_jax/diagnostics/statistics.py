"""How open the gates of a cell are, gathered inside the loop: no array of (T, B, H) is kept.

    mean             of each gate and unit over all steps and sequences
    low, high        the share of steps where a gate is below 0.1, and above 0.9: saturated, as
                     Karpathy, Johnson & Li 2015 ("Visualizing and Understanding Recurrent
                     Networks") count it
    time scale       1 / (1 - mean f), in steps: how long a unit's content lasts. A constant gate
                     f leaves f^k of it after k steps, 1/e after about 1 / (1 - f) of them
                     (Tallec & Ollivier 2018)

The time scale is that of the mean gate, not the mean of time scales, which a single step of f = 1
would make infinite, nor that of the mean logarithm, which a single reset would make zero.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lstm_jax.cells import Cell
from lstm_jax.diagnostics.observers import Observer, Quantities
from lstm_jax.diagnostics.subjects import (
    Inputs,
    Subject,
    by_cell,
    cell_names,
    cells_of,
    checked,
    view,
    with_cells,
)

LOW, HIGH = 0.1, 0.9
"""A gate below or above these is saturated."""

LONGEST = 2.0**23
"""Steps: from longer time scales on, float32 does not tell a gate from 1."""


class Statistics(NamedTuple):
    """What the units of one cell did, over all steps of all sequences.

    Args:
        mean, low, high: by the name of a gate: its mean, and the shares of steps where it is
            below 0.1 and above 0.9, for each unit (H,).
        rms: by the name of the candidate or of a part of the state: the root mean square of each
            unit (H,).
        time_scale: (H,) steps that a unit's content lasts, infinite without a gate that forgets;
            None for a cell without gates.
        steps: how many steps were seen, over all sequences.
    """

    mean: dict[str, Float[Array, " H"]]
    low: dict[str, Float[Array, " H"]]
    high: dict[str, Float[Array, " H"]]
    rms: dict[str, Float[Array, " H"]]
    time_scale: Float[Array, " H"] | None
    steps: Float[Array, ""]


class Sums(NamedTuple):
    """Running sums of each sequence; leaves are (B, H)."""

    value: Quantities
    low: Quantities
    high: Quantities
    square: Quantities
    steps: Float[Array, " B"]


@dataclasses.dataclass(frozen=True)
class Summing(Observer):
    """What has been seen is sums over the steps so far."""

    def begin(self, zeros: Quantities) -> Sums:
        gates = self._gates(zeros)
        rest = {name: zero for name, zero in zeros.items() if name not in gates}
        steps = next(iter(zeros.values()))[:, 0]
        return Sums(gates, gates, gates, rest, steps)

    def look(self, seen: Sums, now: Quantities) -> Sums:
        gates = self._gates(now)

        def count(sums: Quantities, where: Any) -> Quantities:
            return {k: sums[k] + where(v).astype(v.dtype) for k, v in gates.items()}

        return Sums(
            {k: seen.value[k] + v for k, v in gates.items()},
            count(seen.low, lambda gate: gate < LOW),
            count(seen.high, lambda gate: gate > HIGH),
            {k: total + jnp.square(now[k]) for k, total in seen.square.items()},
            seen.steps + 1,
        )

    def _gates(self, now: Quantities) -> Quantities:
        names = () if self.cell.gating is None else self.cell.gating.gates
        return {name: now[name] for name in names}


def gate_statistics(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    lengths: Shaped[Array, " B"] | None = None,
) -> tuple[Statistics, ...]:
    """How open each gate of each unit is, and how large its state, as at evaluation.

    Arguments and errors as for `traces`; steps past a sequence's length do not count.

    Returns:
        `Statistics` for each cell (see `cell_names`).

    >>> from lstm_jax import Chrono, LSTM
    >>> cell = LSTM(hidden_size=4, bias=Chrono(100))
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (50, 3, 2))
    >>> (found,) = gate_statistics(cell, params, xs)
    >>> found.mean["f"].shape, sorted(found.rms), float(found.steps)
    ((4,), ['c', 'g', 'h'], 150.0)
    """
    return _gate_statistics(subject, params, *checked(inputs, lengths))


@functools.partial(jax.jit, static_argnames="subject")
def _gate_statistics(
    subject: Subject, params: Any, inputs: Inputs, lengths: Array | None
) -> tuple[Statistics, ...]:
    stack, params, xs, _ = view(subject, params, inputs)
    finals, _ = with_cells(stack, Summing).unroll(params, xs, lengths=lengths)
    seen = (final.seen for final in by_cell(stack, finals))
    return tuple(map(_statistics, cells_of(stack), seen))


def _statistics(cell: Cell, sums: Sums) -> Statistics:
    steps = sums.steps.sum()
    value, low, high, square = (
        {name: total.sum(axis=0) / steps for name, total in totals.items()} for totals in sums[:4]
    )
    time_scale = None
    if cell.gating is not None:
        kept = jnp.minimum(cell.retention(value), 1.0)
        time_scale = jnp.broadcast_to(1 / (1 - kept), square[cell.gating.memory].shape)
    rms = {name: jnp.sqrt(mean) for name, mean in square.items()}
    return Statistics(value, low, high, rms, time_scale, steps)


def statistics_of_model(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    lengths: Shaped[Array, " B"] | None = None,
) -> dict[str, dict[str, Float[Array, ""]]]:
    """`gate_statistics` in a few finite numbers, for a line of metrics of a training run.

    Works under `jit` and, for many members, under `vmap`. Arguments and errors as for `traces`.

    Returns:
        By the name of each cell, by what they are: "f mean", "f low" and "f high" of each gate,
        the means over its units; "c rms" of each part of the state and of the candidate, over its
        units; "time scale 10%", "50%" and "90%", quantiles over the units, at most 2**23 steps.

    >>> from lstm_jax import GRU
    >>> params = GRU(4).init(jax.random.key(0), input_size=2)
    >>> found = statistics_of_model(GRU(4), params, jax.numpy.ones((5, 3, 2)))
    >>> [*found], [*found["layer 0"]][:3]
    (['layer 0'], ['h rms', 'n rms', 'r high'])
    """
    found = gate_statistics(subject, params, inputs, lengths)
    return {
        name: dict(sorted(_summary(each).items()))
        for name, each in zip(cell_names(subject), found, strict=True)
    }


def _summary(found: Statistics) -> dict[str, Float[Array, ""]]:
    told = {
        f"{gate} {kind}": values.mean()
        for kind in ("mean", "low", "high")
        for gate, values in getattr(found, kind).items()
    }
    told |= {f"{name} rms": jnp.sqrt(jnp.mean(v**2)) for name, v in found.rms.items()}
    if found.time_scale is not None:
        finite = jnp.minimum(found.time_scale, LONGEST)
        for share in (10, 50, 90):
            told[f"time scale {share}%"] = jnp.percentile(finite, share)
    return told
