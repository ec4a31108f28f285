"""`bench memory`: what the compiled gradient keeps beside its arguments, against T. Nothing is run.

Two losses, because they keep different things: one of the final state, as of a label for the whole
sequence, and one of all outputs, whose T·B·H numbers are among the temporaries of every executor.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from experiments.bench.ours import refusal
from experiments.table import Table
from experiments.words import digits
from lstm_jax import LSTM, unroll

STEPS = (1000, 10_000, 100_000)
BATCH, INPUTS, HIDDEN = 8, 2, 32


def of_the_final_state(final: Any, ys: jax.Array) -> jax.Array:
    """The sum of what the last step shows."""
    return final.h.sum()


def of_all_outputs(final: Any, ys: jax.Array) -> jax.Array:
    """The sum of squares of what every step shows."""
    return jnp.square(ys).sum()


LOSSES: dict[str, Callable[[Any, jax.Array], jax.Array]] = {
    "the final state": of_the_final_state,
    "all outputs": of_all_outputs,
}


@dataclasses.dataclass(frozen=True)
class Result:
    """Bytes by T: `temporary` of an executor and a loss, or why it cannot serve."""

    executor: str
    loss: str
    temporary: dict[int, int]
    refusal: str | None = None


def run(executor: str, loss: str, steps: Sequence[int]) -> Result:
    """Compile the gradient of all parameters for one device, for each T."""
    cell = LSTM(HIDDEN)
    like = jax.eval_shape(lambda key: cell.init(key, INPUTS), jax.random.key(0))

    def gradient(params: Any, xs: jax.Array) -> Any:
        return jax.value_and_grad(
            lambda params: LOSSES[loss](*unroll(cell, params, xs, executor=executor))
        )(params)

    temporary = {}
    for T in steps:
        xs: Any = jax.ShapeDtypeStruct((T, BATCH, INPUTS), jnp.float32)
        if reason := refusal(executor, cell, xs):
            return Result(executor, loss, {}, reason)
        analysis: Any = jax.jit(gradient).lower(like, xs).compile().memory_analysis()
        temporary[T] = analysis.temp_size_in_bytes
    return Result(executor, loss, temporary)


def table(results: Sequence[Result]) -> Table:
    """Megabytes (10^6 bytes) against T."""
    served = [result for result in results if result.refusal is None]
    steps = tuple(served[0].temporary)
    rows = [
        (
            result.executor,
            result.loss,
            *(digits(size / 1e6) for size in result.temporary.values()),
        )
        for result in served
    ]
    refusals = {result.executor: result.refusal for result in results if result.refusal}
    notes = tuple(f"Not {name}: {reason}." for name, reason in refusals.items())
    return Table(
        f"Temporary megabytes of the gradient, B={BATCH} I={INPUTS} H={HIDDEN}",
        ("executor", "loss of", *(f"T={T:,}" for T in steps)),
        rows,
        (*notes, "Compiled for one device, not run; float32, the gradient of all parameters."),
    )
