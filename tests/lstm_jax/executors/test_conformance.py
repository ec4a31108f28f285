"""The conformance table: executor x cell x sequence option x dtype against one reference.

Values and gradients, with random cotangents on every number returned. A new executor or cell
joins with its line in `EXECUTORS`, or in `CELLS` and `CASES`; a dtype with a row of `CLOSE`.
"""

import functools
import operator
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.cells import CELLS
from tests import reference
from tests.cases import (
    CASES,
    CROSS,
    OPTIONS,
    PAIRS,
    STEPS,
    Call,
    cotangents,
    draw,
    outputs_and_gradients,
)
from tests.tolerances import CLOSE, assert_close

table = pytest.mark.parametrize("executor, case", PAIRS)
cross = pytest.mark.parametrize("executor, case", CROSS)


@pytest.fixture(params=CLOSE)
def dtype(request: pytest.FixtureRequest) -> Iterator[str]:
    with jax.enable_x64(request.param == "float64"):
        yield request.param


def expected(case: str, call: Call, weights: Any, reverse: bool) -> tuple[Any, Any]:
    """What the reference says of a call."""
    results, pull_back = reference.unroll(CASES[case][1], *call, reverse=reverse)
    return results, pull_back(*weights)


def test_every_cell_has_a_reference() -> None:
    assert {case.split()[0] for case in CASES} == set(CELLS)


@table
@pytest.mark.parametrize("option", OPTIONS)
def test_values_and_gradients(executor: str, case: str, option: str, dtype: str) -> None:
    cell, _ = CASES[case]
    call = draw(cell, OPTIONS[option], dtype=dtype)
    weights = cotangents(cell, call)
    reverse = "reverse" in OPTIONS[option]
    found = outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=reverse)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {dtype}
    assert_close(found, expected(case, call, weights, reverse), CLOSE[dtype])


@cross
@pytest.mark.parametrize("option", ["plain", "all"])
def test_values_and_gradients_under_vmap(executor: str, case: str, option: str, dtype: str) -> None:
    """Mapped over everything: parameters as well, as for many seeds at once."""
    cell, _ = CASES[case]
    calls = [draw(cell, OPTIONS[option], seed, dtype) for seed in (2, 3)]
    weights = [cotangents(cell, call, seed) for call, seed in zip(calls, (4, 5), strict=True)]
    reverse = "reverse" in OPTIONS[option]
    run = functools.partial(outputs_and_gradients, cell=cell, executor=executor, reverse=reverse)
    stack = functools.partial(jax.tree.map, lambda *leaves: np.stack(leaves))
    found = jax.vmap(run)(stack(*calls), stack(*weights))
    for n in range(2):
        one = jax.tree.map(operator.itemgetter(n), found)
        assert_close(one, expected(case, calls[n], weights[n], reverse), CLOSE[dtype])


@cross
@given(data=st.data())
def test_any_lengths_and_resets(executor: str, case: str, data: st.DataObject) -> None:
    cell, _ = CASES[case]
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
    assert_close(found, expected(case, call, weights, reverse), CLOSE["float64"])
