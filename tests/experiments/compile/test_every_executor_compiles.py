"""Every executor, compiled for every platform that it claims, whether or not it is here.

For `cuda` without a GPU it is lowered to what XLA's compiler reads. An executor that needs the
hardware to be compiled claims a platform only where that is.
"""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import SingleDeviceSharding

from experiments.compile.platforms import find
from lstm_jax import LSTM, unroll
from lstm_jax.executors import EXECUTORS, Inputs, Request, compiling_for

STEPS, BATCH, INPUTS = 40, 8, 4
CELL = LSTM(hidden_size=16)
XS = jax.ShapeDtypeStruct((STEPS, BATCH, INPUTS), jnp.float32)
MASK = jax.ShapeDtypeStruct((STEPS, BATCH), bool)
LENGTHS = jax.ShapeDtypeStruct((BATCH,), jnp.int32)

PLATFORMS = {"cpu": "cpu", "cuda": "gpu", "tpu:v5e:1x1": "tpu", "tpu:v6e:1x1": "tpu"}
"""What executors call each platform."""

CLAIMED = [
    (name, platform)
    for name, executor in EXECUTORS.items()
    for platform, called in PLATFORMS.items()
    if executor.unsupported(Request(CELL, called, Inputs(XS, mask=MASK))) is None
]


CALLS = {"pallas_tpu": "tpu_custom_call", "cudnn": "cudnn_rnn"}
"""What a program calls by executor; those of the others go through a loop."""


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("executor, platform", CLAIMED)
def test_the_gradient_compiles(
    executor: str, platform: str, request: pytest.FixtureRequest
) -> None:
    if platform.startswith("tpu"):
        request.getfixturevalue("libtpu")
    target = find(platform)

    def loss(params: Any, xs: jax.Array, lengths: jax.Array) -> jax.Array:
        final, ys = unroll(CELL, params, xs, lengths=lengths, executor=executor)
        return final.c.sum() + jnp.square(ys).sum()

    there = SingleDeviceSharding(target.devices[0])
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)), in_shardings=there)
    with compiling_for(target.executors):
        traced = gradient.trace(CELL.param_shapes(INPUTS), XS, LENGTHS)
    lowered = traced.lower(lowering_platforms=(target.name,))
    program = lowered.compile() if target.compiles else lowered
    assert jax.tree.map(jnp.shape, program.out_info) == jax.tree.map(
        jnp.shape, (CELL.param_shapes(INPUTS), XS)
    )
    assert CALLS.get(executor, "while") in program.as_text()


def test_scan_is_claimed_everywhere() -> None:
    assert {platform for name, platform in CLAIMED if name == "scan"} == PLATFORMS.keys()


def test_no_executor_is_left_out() -> None:
    """What cuDNN does, alone, cannot be compiled for without the hardware."""
    left_out = EXECUTORS.keys() - {name for name, _ in CLAIMED}
    assert left_out <= {"cudnn"}
