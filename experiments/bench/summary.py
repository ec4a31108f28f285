"""What the layers' timings come to over all shapes: ratios to the peers, shares of the ceiling."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from experiments.bench.entry import WAYS
from experiments.bench.layers import Result, Row
from experiments.bench.ours import COMPILED, OURS


def on_jax(rows: Iterable[Row]) -> list[Row]:
    """The peers that run on JAX."""
    return [row for row in rows if row.peer not in (OURS, "torch")]


def on_one_device(rows: Iterable[Row]) -> list[Row]:
    """The peers on JAX as their users run them."""
    return [row for row in on_jax(rows) if not row.sharded]


def sharded(rows: Iterable[Row]) -> list[Row]:
    """The peers on JAX with the batch shared out as ours; as they are where it cannot be."""
    rows = on_jax(rows)
    return [row for row in rows if row.sharded] or rows


def torch(rows: Iterable[Row]) -> list[Row]:
    """Torch alone."""
    return [row for row in rows if row.peer == "torch"]


RIVALS: dict[str, Callable[[Iterable[Row]], list[Row]]] = {
    "best JAX peer, one device": on_one_device,
    "best JAX peer, batch sharded": sharded,
    "torch": torch,
}
"""Whom we are compared with at each shape."""


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """All figures over the shapes; what was not measured is left out."""
    versus: dict[str, Any] = {}
    for rival, choose in RIVALS.items():
        for way in WAYS:
            by_shape = {
                str(result.shape): min(row.timings[way].median for row in choose(result.rows))
                / result.rows[0].timings[way].median
                for result in results
                if choose(result.rows)
            }
            if by_shape:
                worst = min(by_shape, key=lambda shape: by_shape[shape])
                versus.setdefault(rival, {})[way] = {
                    "geometric_mean": statistics.geometric_mean(by_shape.values()),
                    "worst": by_shape[worst],
                    "worst_shape": worst,
                    "by_shape": by_shape,
                }
    fused, scan = COMPILED
    slower = {
        str(result.shape): result.compiling[fused].median / result.compiling[scan].median
        for result in results
    }
    return {
        "times_as_fast_as": versus,
        "share_of_ceiling": {
            str(result.shape): {
                row.name: shares_of_ceiling(result, row)
                for row in (*result.executors, result.rows[0])
            }
            for result in results
        },
        "compile_fused_over_scan": {
            "geometric_mean": statistics.geometric_mean(slower.values()),
            "worst": max(slower.values()),
            "by_shape": slower,
        },
    }


def shares_of_ceiling(result: Result, row: Row) -> dict[str, float]:
    """FLOPs per second of a layer, of those that a large matrix product reaches."""
    flops = {"forward": result.shape.forward_flops, "gradient": result.shape.gradient_flops}
    return {way: flops[way] / row.timings[way].median / result.flops_per_second for way in WAYS}
