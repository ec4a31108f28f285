"""Our layer as an entry: `unroll` by the executor that it chooses, or by each of them."""

import functools
from typing import Any

import jax

from experiments.bench.entry import Entry, JaxLayer, compile_anew, on_devices
from experiments.bench.problem import Problem
from experiments.bench.timing import Timing
from lstm_jax import choose_executor, unroll
from lstm_jax.cells import Cell
from lstm_jax.executors import EXECUTORS, Inputs, Request, platform

OURS = "lstm_jax"
COMPILED = ("fused", "scan")
COMPILE_ROUNDS = 3


def ours(problem: Problem, executor: str = "auto") -> JaxLayer:
    """Our layer; its name tells which executor runs it."""

    def apply(params: Any, xs: jax.Array) -> jax.Array:
        return unroll(problem.cell, params, xs, executor=executor)[1]

    name = chosen(problem) if executor == "auto" else executor
    return JaxLayer(f"{OURS} {name}", OURS, problem.params, apply, by_name=_same, write=_same)


def _same(params: Any) -> Any:
    return params


def chosen(problem: Problem) -> str:
    """The executor that runs it where none is asked for."""
    return choose_executor(problem.cell, "auto", Inputs(_shape(problem))).name


def refusal(name: str, cell: Cell, xs: Any) -> str | None:
    """Why the executor of that name cannot run a cell on inputs (T, B, I) here; None if it can."""
    return EXECUTORS[name].unsupported(Request(cell, platform(), Inputs(xs)))


def _shape(problem: Problem) -> Any:
    return jax.ShapeDtypeStruct(problem.xs.shape, problem.xs.dtype)


def by_executor(
    problem: Problem, devices: list[jax.Device]
) -> tuple[dict[str, Entry], dict[str, str]]:
    """An entry for each executor, over all devices; and why there is none for the others."""
    entries, refusals = {}, {}
    for name in EXECUTORS:
        reason = refusal(name, problem.cell, _shape(problem))
        if reason is not None:
            refusals[name] = reason
        else:
            entries[name] = on_devices(ours(problem, name), problem, devices)
    return entries, refusals


def compile_times(problem: Problem) -> dict[str, Timing]:
    """Seconds to trace and compile the gradient on one device, for fused and for scan."""

    def gradient(executor: str, params: Any, xs: jax.Array, weights: jax.Array) -> Any:
        def loss(params: Any) -> jax.Array:
            return (ours(problem, executor).apply(params, xs) * weights).sum()

        return jax.value_and_grad(loss)(params)

    arguments = (problem.params, problem.xs, problem.weights)
    seconds: dict[str, list[float]] = {name: [] for name in COMPILED}
    for _ in range(COMPILE_ROUNDS):
        for name in COMPILED:
            seconds[name].append(compile_anew(functools.partial(gradient, name), *arguments)[1])
    return {name: Timing(tuple(each)) for name, each in seconds.items()}
