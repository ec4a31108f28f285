"""The frameworks' numbers, as `make golden` recorded them: outputs, states and all gradients."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_jax.interop.entries import Arrays
from tests.lstm_jax.interop.cases import (
    CASES,
    GOLDEN,
    LONG,
    RECORDED,
    Call,
    Result,
    assert_agree,
    distances,
    precision,
    to_float64,
)
from tests.tolerances import CLOSE

AGREEMENT = 1e-5
"""Of our float32 with torch's float64 over 200 steps, of the largest magnitude of each array:
roundings of 6e-8 add up over the steps as their square root; measured, at most 3e-7."""


def recorded(name: str) -> tuple[Arrays, Call, Result]:
    """Weights, call and result of a file."""
    with np.load(GOLDEN / f"{name.replace(' ', '_')}.npz") as file:
        arrays = to_float64(dict(file))

    def under(prefix: str) -> Arrays:
        begins = f"{prefix} "
        return {key[len(begins) :]: a for key, a in arrays.items() if key.startswith(begins)}

    def by_cell(prefix: str) -> list[dict[str, Any]]:
        cells: dict[str, dict[str, Any]] = {}
        for key, array in under(prefix).items():
            number, part = key.split()
            cells.setdefault(number, {})[part] = array
        return [cells[number] for number in sorted(cells, key=int)]

    call = Call(arrays["xs"], arrays["d_ys"], by_cell("d_final"))
    result = Result(arrays["ys"], by_cell("final"), arrays["d_xs"], under("d_weights"))
    return under("weights"), call, result


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_numbers(name: str, float64: None) -> None:
    weights, call, theirs = recorded(name)
    assert_agree(CASES[name], weights, call, theirs, CLOSE[precision(name)])


@pytest.mark.parametrize("name", LONG)
def test_float32_agrees_over_200_steps(name: str) -> None:
    weights, call, theirs = recorded(f"{name} 200")
    assert max(distances(LONG[name], weights, call, theirs).values()) < AGREEMENT


def test_every_file_is_compared() -> None:
    named = {name.replace(" ", "_") for name in [*RECORDED, *(f"{name} 200" for name in LONG)]}
    assert {Path(path).stem for path in GOLDEN.iterdir()} == named


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 200_000
