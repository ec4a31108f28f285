"""`bench layers`: one LSTM layer, forward and with its gradient, beside other frameworks."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from experiments.bench import peers
from experiments.bench.entry import WAYS, Entry, compile_anew, on_each
from experiments.bench.ours import by_executor, compile_times, ours
from experiments.bench.problem import TOLERANCES, Problem, Shape, WrongAnswer, draw
from experiments.bench.timing import Timing, measure

CEILING = "matrix product"
SIDE = {"cpu": 2048, "gpu": 8192, "tpu": 8192}
"""Rows and columns of the matrices whose product gives the ceiling, large enough for all cores."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What was found of an entry; `timings` and `compile_seconds` are by `WAYS`."""

    name: str
    peer: str
    runs_on: str
    sharded: bool
    distances: dict[str, float]
    timings: dict[str, Timing]
    compile_seconds: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found at a shape.

    Args:
        shape: the sizes.
        devices: how many devices of JAX there are.
        rows: ours and the peers.
        executors: each executor of ours over all devices, if asked for.
        refusals: why the other executors were not run.
        compiling: seconds to compile the gradient by executor, on one device.
        flops_per_second: the ceiling, from a large matrix product in the same rounds.
    """

    shape: Shape
    devices: int
    rows: list[Row]
    executors: list[Row]
    refusals: dict[str, str]
    compiling: dict[str, Timing]
    flops_per_second: float


def run(shape: Shape, names: Sequence[str], rounds: int, executors: bool = False) -> Result:
    """Check all entries of a shape, then time them in the same rounds.

    Raises WrongAnswer for an entry further from float64 than the tolerance.
    """
    devices, problem = jax.devices(), draw(shape)
    compiling = compile_times(problem)
    entries = on_each(ours(problem), problem, devices)[::-1]
    for name in names:
        entries += peers.load(name).entries(name, problem, devices)
    served, refusals = by_executor(problem, devices) if executors else ({}, {})
    everything = [*entries, *served.values()]
    distances = [checked(entry, problem, shape) for entry in everything]
    calls: dict[Any, Callable[[], Any]] = {CEILING: matrix_product(devices[0])}
    for number, entry in enumerate(everything):
        calls |= {(number, way): getattr(entry, way) for way in WAYS}
    timings = measure(calls, rounds)
    rows = [
        Row(
            **{key: getattr(entry, key) for key in ("name", "peer", "runs_on", "sharded")},
            distances=distances[number],
            timings={way: timings[number, way] for way in WAYS},
            compile_seconds=entry.compile_seconds,
        )
        for number, entry in enumerate(everything)
    ]
    return Result(
        shape=shape,
        devices=len(devices),
        rows=rows[: len(entries)],
        executors=rows[len(entries) :],
        refusals=refusals,
        compiling=compiling,
        flops_per_second=2 * SIDE[devices[0].platform] ** 3 / timings[CEILING].median,
    )


def checked(entry: Entry, problem: Problem, shape: Shape) -> dict[str, float]:
    """An entry's distances from float64; WrongAnswer where one is beyond the tolerance."""
    found, most = entry.distances(problem), TOLERANCES[jax.default_backend()]
    for way, distance in found.items():
        if not distance <= most:
            raise WrongAnswer(
                f"{entry.name} on {entry.runs_on} at {shape}: {way} is {distance:.1e} away from "
                f"float64, where at most {most:.0e} is allowed: it computes something else"
            )
    return found


def matrix_product(device: jax.Device) -> Callable[[], Any]:
    """A product of large float32 matrices, compiled."""
    side = SIDE[device.platform]
    matrix = jax.device_put(jax.random.normal(jax.random.key(0), (side, side)), device)
    product, _ = compile_anew(jnp.matmul, matrix, matrix)
    return lambda: product(matrix, matrix).block_until_ready()
