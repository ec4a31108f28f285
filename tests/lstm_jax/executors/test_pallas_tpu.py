"""The TPU kernels: their numbers, interpreted on this machine; their program, by a TPU's compiler.

What cannot be seen without a TPU is the one run by the other.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.compile.platforms import find
from lstm_jax import GRU, LSTM, choose_executor, unroll
from lstm_jax.cells import Cell, Elman, ResetFirstGRU, Zoneout
from lstm_jax.executors import EXECUTORS, Inputs, PallasTPU, Request, compiling_for
from tests import reference
from tests.cases import CASES, OPTIONS, cotangents, draw, outputs_and_gradients, spelt_out
from tests.tolerances import CLOSE, assert_close

HERE = PallasTPU(interpret=True)
STEPS = 19
"""A block of 16 steps, and a rest."""

found_with = functools.partial(outputs_and_gradients, executor=HERE)


@pytest.mark.few(3)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", ["lstm", "gru", "elman", "irnn"])
def test_values_and_gradients(case: str, dtype: str) -> None:
    cell, equations = CASES[case]
    call = draw(cell, OPTIONS["all"], steps=STEPS)
    weights = cotangents(cell, call)
    wanted, pull_back = reference.unroll(cell, equations, *call, reverse=True)
    rounded = dataclasses.replace(cell, dtype=dtype)  # type: ignore[call-arg]
    found = found_with(call, weights, cell=rounded, reverse=True)
    assert_close(found, (wanted, pull_back(*weights)), CLOSE[dtype])


@pytest.mark.few(2)
@pytest.mark.parametrize("option", ["plain", "state", "lengths", "resets"])
def test_what_a_call_may_leave_out(option: str) -> None:
    cell, equations = CASES["gru"]
    call = draw(cell, OPTIONS[option], steps=5)
    weights = cotangents(cell, call)
    wanted, pull_back = reference.unroll(cell, equations, *call)
    found = found_with(call, weights, cell=cell)
    assert_close(found, (wanted, pull_back(*weights)), CLOSE["float32"])


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "steps, batch, hidden", [(33, 130, 3), (1, 1, 1), (16, 8, 128), (32, 9, 129), (3, 513, 2)]
)
@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_sizes_that_fill_no_block(kind: type, steps: int, batch: int, hidden: int) -> None:
    cell = kind(hidden)
    call = draw(cell, OPTIONS["all"], steps=steps, batch=batch)
    params = cell.init(jax.random.key(0), 2)  # which keeps the rounding of 129 units apart
    call = call._replace(params=jax.tree.map(np.asarray, params))
    weights = cotangents(cell, call)
    results = [
        outputs_and_gradients(call, weights, cell=cell, executor=executor)
        for executor in (HERE, "scan")
    ]
    assert_close(*results, CLOSE["float32"])


def test_mapped_over_seeds_and_cut_in_windows_with_all_states() -> None:
    cell = LSTM(3)
    calls = [draw(cell, {"state"}, seed, steps=12) for seed in (2, 3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *calls)

    def run(call: Any, executor: Any) -> Any:
        def loss(params: Any) -> tuple[jax.Array, Any]:
            results = unroll(
                cell, params, call.xs, call.state, truncate=5, return_states=True, executor=executor
            )
            return sum(jnp.sin(leaf).sum() for leaf in jax.tree.leaves(results)), results

        return jax.grad(loss, has_aux=True)(call.params)

    found, wanted = (
        jax.jit(jax.vmap(functools.partial(run, executor=executor)))(stacked)
        for executor in (HERE, "scan")
    )
    assert_close(found, wanted, CLOSE["float32"])


@pytest.mark.parametrize(
    "cell, platform, dtype, reason",
    [
        (LSTM(4), "cpu", "float32", "needs a TPU; this is cpu"),
        (ResetFirstGRU(4), "tpu", "float32", "for LSTM, GRU, Elman and IRNN, not for ResetFirst"),
        (Zoneout(LSTM(4), h=0.1), "tpu", "float32", "not for Zoneout"),
        (LSTM(4, dtype="float16"), "tpu", "float32", "not in float16"),
        (LSTM(4), "tpu", "float64", "float32, not in float64"),
        (LSTM(2000), "tpu", "float32", r"needs 13\d MiB .*above 48 MiB"),
    ],
    ids=str,
)
def test_says_why_it_cannot(cell: Cell, platform: str, dtype: str, reason: str) -> None:
    with jax.enable_x64(dtype == "float64"), compiling_for(platform):
        inputs = Inputs(jax.ShapeDtypeStruct((5, 8, 2), dtype))
        with pytest.raises(ValueError, match=reason):
            choose_executor(cell, "pallas_tpu", inputs)


@pytest.mark.parametrize("steps, batch", [(0, 8), (5, 0)])
def test_needs_a_step_and_a_sequence(steps: int, batch: int) -> None:
    inputs = Inputs(jax.ShapeDtypeStruct((steps, batch, 2), "float32"))
    with pytest.raises(ValueError, match=rf"got \(T, B\) = \({steps}, {batch}\)"):
        choose_executor(LSTM(4), HERE, inputs)


def test_is_taken_when_asked_for_alone() -> None:
    request = Request(LSTM(4), "tpu")
    assert EXECUTORS["pallas_tpu"].unsupported(request) is None
    with compiling_for("tpu"):
        assert choose_executor(LSTM(4)).others["pallas_tpu"] == PallasTPU.drawback


@pytest.mark.few(4)
@pytest.mark.parametrize("cell", [LSTM(130), GRU(20, dtype="bfloat16"), Elman(8)], ids=str)
@pytest.mark.parametrize("kind", ["v5e", "v6e"])
@pytest.mark.parametrize("option", ["all", "plain"])
def test_compiles_for_a_tpu(libtpu: None, cell: Cell, kind: str, option: str) -> None:
    chip = find(f"tpu:{kind}:1x1").devices[0]
    call = spelt_out(cell, draw(cell, OPTIONS["all"], steps=STEPS))
    call = call if option == "all" else call._replace(state=None, lengths=None, resets=None)
    place = jax.sharding.SingleDeviceSharding(chip)
    seeds = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((2, *a.shape), a.dtype, sharding=place),
        (call, cotangents(cell, call)),
    )
    run = jax.vmap(functools.partial(outputs_and_gradients, cell=cell, executor="pallas_tpu"))
    with compiling_for("tpu"):
        program = jax.jit(run).trace(*seeds).lower(lowering_platforms=("tpu",)).compile()
    assert {"recurrence_forward", "recurrence_backward"} <= set(kernels(program.as_text()))


def kernels(program: str) -> list[str]:
    """The kernels that a compiled program calls."""
    calls = [line for line in program.splitlines() if "tpu_custom_call" in line]
    return [line.split("%")[1].split(".")[0] for line in calls]
