"""The conformance table: executor x cell x sequence option x dtype against one reference.

Values and gradients, with random cotangents on every number returned. A new executor or cell
joins with its line in `EXECUTORS`, or in `CELLS` and `CASES`; a dtype with a row of `CLOSE`.

For the table nothing is left out of a call: "plain" has lengths of T, resets that are all False
and the cell's own initial state. So a cell compiles once for all options. That a call may leave
things out, and a rest of steps that fills no chunk, are then tested with one cell.
"""

import dataclasses
import functools
import operator
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.cells import CELLS, Cell
from tests import reference
from tests.cases import (
    CASES,
    CROSS,
    KINDS,
    OPTIONS,
    PAIRS,
    PRESETS,
    SERVING,
    STEPS,
    WHOLE,
    Call,
    cotangents,
    draw,
    outputs_and_gradients,
    spelt_out,
)
from tests.conftest import COMPLETE
from tests.tolerances import CLOSE, assert_close


def in_table(dtype: str, executor: str, case: str) -> bool:
    """What is special about a variant in the sharpest dtype alone, where no digits are lost to
    layer normalisation; without COMPLETE=1, the fewer cells by an executor the more is the same.
    """
    if dtype != "float64" and case not in CELLS:
        return False
    if COMPLETE:
        return True
    if executor == "checkpointed":
        return dtype == "float64" and case in ("lstm", "lstm_variant of everything")
    if dtype == "float64":
        return executor == "scan" or case not in PRESETS
    return case in (("lstm", "gru") if executor == "fused" else ("lstm", *KINDS))


TABLE = [
    (dtype, executor, case)
    for dtype in CLOSE
    for executor, case in PAIRS
    if in_table(dtype, executor, case)
]
"""Every cell by every executor in every dtype, as far as `in_table`."""

TURNS = [
    (SERVING[(turn + place) % len(SERVING)], option)
    for turn in range(len(SERVING))
    for place, option in enumerate(OPTIONS)
]
"""Every executor with every option, beginning with each option by one of the executors in turn."""

cross = pytest.mark.parametrize("executor, case", CROSS)


def expected(case: str, call: Call, weights: Any, **options: Any) -> tuple[Any, Any]:
    """What the reference says of a call."""
    results, pull_back = reference.unroll(*CASES[case], *call, **options)
    return results, pull_back(*weights)


@functools.cache
def expected_in_table(case: str, option: str) -> tuple[Any, Any]:
    """The same for every executor and dtype."""
    cell, _ = CASES[case]
    call = spelt_out(cell, draw(cell, OPTIONS[option], steps=WHOLE))
    return expected(case, call, cotangents(cell, call), reverse="reverse" in OPTIONS[option])


def without_state(results_and_gradients: tuple[Any, Any]) -> tuple[Any, Any]:
    """Without the gradient of a state that was not given: at zero layer normalisation has a slope
    of 300, which says little of a cell and loses two digits.
    """
    results, (d_params, d_xs, _) = results_and_gradients
    return results, (d_params, d_xs)


def of_dtype(cell: Any, dtype: str) -> tuple[Cell, str]:
    """A cell that computes in `dtype`, and what its parameters are stored in."""
    if dtype == "bfloat16":
        return dataclasses.replace(cell, dtype=dtype), "float32"
    return cell, dtype


def test_every_cell_has_a_reference() -> None:
    assert {case.split()[0] for case in CASES} == set(CELLS)


@pytest.mark.parametrize("dtype, executor, case", TABLE)
@pytest.mark.parametrize("option", OPTIONS)
def test_values_and_gradients(dtype: str, executor: str, case: str, option: str) -> None:
    cell, stored = of_dtype(CASES[case][0], dtype)
    reverse = "reverse" in OPTIONS[option]
    with jax.enable_x64(dtype == "float64"):
        call = spelt_out(cell, draw(cell, OPTIONS[option], dtype=stored, steps=WHOLE))
        weights = cotangents(cell, call)
        found = outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=reverse)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {stored}
    wanted = expected_in_table(case, option)
    if "state" not in OPTIONS[option]:
        found, wanted = without_state(found), without_state(wanted)
    assert_close(found, wanted, CLOSE[dtype])


@pytest.mark.few(len(OPTIONS))
@pytest.mark.parametrize("executor, option", TURNS)
def test_what_a_call_may_leave_out(executor: str, option: str, float64: None) -> None:
    cell, _ = CASES["lstm"]
    call = draw(cell, OPTIONS[option], dtype="float64")
    weights = cotangents(cell, call)
    reverse = "reverse" in OPTIONS[option]
    found = outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=reverse)
    assert_close(found, expected("lstm", call, weights, reverse=reverse), CLOSE["float64"])


@pytest.mark.few(3)
@cross
def test_truncated_gradients(executor: str, case: str, float64: None) -> None:
    cell, _ = CASES[case]
    call = draw(cell, OPTIONS["all"], dtype="float64")
    weights = cotangents(cell, call)
    options: Any = {"reverse": True, "truncate": 5}
    found = outputs_and_gradients(call, weights, cell=cell, executor=executor, **options)
    assert_close(found, expected(case, call, weights, **options), CLOSE["float64"])


@pytest.mark.few(3)
@cross
def test_values_and_gradients_under_jit_and_vmap(executor: str, case: str, float64: None) -> None:
    """Mapped over everything: parameters as well, as for many seeds at once."""
    cell, _ = CASES[case]
    calls = [draw(cell, OPTIONS["all"], seed, "float64") for seed in (2, 3)]
    weights = [cotangents(cell, call, seed) for call, seed in zip(calls, (4, 5), strict=True)]
    run = functools.partial(outputs_and_gradients, cell=cell, executor=executor, reverse=True)
    stack = functools.partial(jax.tree.map, lambda *leaves: np.stack(leaves))
    found = jax.jit(jax.vmap(run))(stack(*calls), stack(*weights))
    for n in range(2):
        one = jax.tree.map(operator.itemgetter(n), found)
        assert_close(one, expected(case, calls[n], weights[n], reverse=True), CLOSE["float64"])


@pytest.mark.few(2)
@pytest.mark.parametrize("executor", SERVING)
@given(data=st.data())
def test_any_lengths_and_resets(executor: str, data: st.DataObject) -> None:
    cell, _ = CASES["lstm"]
    steps, batch = data.draw(st.sampled_from([(1, 1), (5, 2), (STEPS, 3)]), "(T, B)")
    reverse = data.draw(st.booleans(), "reverse")
    lengths = data.draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch), "lengths")
    row = st.lists(st.booleans(), min_size=batch, max_size=batch)
    resets = data.draw(st.lists(row, min_size=steps, max_size=steps), "resets")
    seed = data.draw(st.integers(0, 2**32 - 1), "seed")
    with jax.enable_x64(True):
        call = draw(cell, {"state"}, seed, "float64", steps, batch)
        call = call._replace(lengths=np.array(lengths), resets=np.array(resets))
        weights = cotangents(cell, call, seed)
        found = outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=reverse)
    assert_close(found, expected("lstm", call, weights, reverse=reverse), CLOSE["float64"])
