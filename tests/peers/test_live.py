"""Every framework against us, live: outputs, final states and gradients of everything."""

import jax
import numpy as np
import pytest

from lstm_jax.interop.entries import flatten
from tests.lstm_jax.interop.cases import (
    CASES,
    INPUTS,
    assert_agree,
    draw_call,
    draw_entries,
    precision,
)
from tests.peers.runners import runner
from tests.tolerances import CLOSE

pytestmark = pytest.mark.usual_promotion


@pytest.mark.parametrize("name", CASES)
def test_the_same_numbers(name: str, float64: None) -> None:
    case = CASES[name]
    weights = draw_entries(runner(name).entries(case, name, INPUTS), seed=1)
    call = draw_call(case, seed=2)
    theirs = runner(name).run(case, name, weights, call, precision(name))
    assert_agree(case, weights, call, theirs, CLOSE[precision(name)])


@pytest.mark.parametrize("name", CASES)
def test_the_weights_we_write_fit(name: str) -> None:
    """Names, shapes and nesting are those of the framework's own freshly drawn weights."""
    case = CASES[name]
    drawn = runner(name).entries(case, name, INPUTS)
    written = case.to_theirs(case.from_theirs(jax.tree.map(np.asarray, drawn)))
    assert {k: v.shape for k, v in flatten(written).items()} == {
        k: v.shape for k, v in flatten(drawn).items()
    }
    if not name.startswith("keras"):
        assert jax.tree.structure(written) == jax.tree.structure(dict(drawn))
