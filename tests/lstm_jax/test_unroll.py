"""The front door: what it accepts, which executor it takes, and when it compiles.

What it computes is held to the reference in `executors/test_conformance.py`, and to its laws in
`executors/test_laws.py`; what it refuses is in `test_unroll_errors.py`.
"""

import contextlib
import importlib
import types
from collections.abc import Iterator

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, choose_executor, unroll
from tests.cases import HIDDEN, STEPS, draw, outputs
from tests.tolerances import CLOSE, assert_close

CELL = LSTM(HIDDEN)


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """The events of XLA compiling something."""
    counted: list[str] = []

    def listen(event: str, *_: object, **__: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            counted.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield counted
    jax.monitoring.unregister_event_duration_listener(listen)


def test_the_same_shapes_compile_once() -> None:
    run = jax.jit(lambda call: unroll(CELL, *call[:3], lengths=call.lengths))
    with compilations() as counted:
        run(draw(CELL, {"state", "lengths"}, seed=0))
    assert counted
    with compilations() as counted:
        run(draw(CELL, {"state", "lengths"}, seed=1))
    assert not counted


def test_the_same_shapes_compile_once_without_jit() -> None:
    calls = [jax.tree.map(jnp.asarray, draw(CELL, seed=seed)) for seed in (0, 1)]
    unroll(CELL, *calls[0][:2])
    with compilations() as counted:
        unroll(CELL, *calls[1][:2])
    assert not counted


def test_without_jit_the_numbers_are_the_same() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, {"state", "lengths", "resets"}))
    given = {"lengths": call.lengths, "resets": call.resets, "reverse": True}
    eager = unroll(CELL, call.params, call.xs, call.state, **given)
    assert_close(eager, outputs(call, cell=CELL, reverse=True), CLOSE["float32"])


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_under_jit_lengths_out_of_range_count_as_clipped(reverse: bool) -> None:
    call = draw(CELL, {"state"})
    wild = np.array([-2, STEPS + 3, 4, STEPS])
    found = outputs(call._replace(lengths=wild), cell=CELL, reverse=reverse)
    tame = outputs(call._replace(lengths=wild.clip(0, STEPS)), cell=CELL, reverse=reverse)
    chex.assert_trees_all_equal(found, tame)


@pytest.mark.parametrize("kind", ["int8", "int32"])
@pytest.mark.parametrize("word", ["x32", "x64"])
def test_lengths_may_be_any_integers(kind: str, word: str) -> None:
    """Even those that cannot count the steps."""
    call = draw(CELL, steps=300)._replace(lengths=np.array([100, 0, 127, 3]))
    with jax.enable_x64(word == "x64"):
        found = outputs(call._replace(lengths=call.lengths.astype(kind)), cell=CELL, reverse=True)
    assert_close(found, outputs(call, cell=CELL, reverse=True), CLOSE["float32"])


def test_narrower_inputs_are_computed_in_the_parameters_dtype() -> None:
    call = draw(CELL)
    narrow = call.xs.astype("float16")
    found = outputs(call._replace(xs=narrow), cell=CELL)
    wanted = outputs(call._replace(xs=narrow.astype("float32")), cell=CELL)
    chex.assert_trees_all_equal(found, wanted)


@pytest.mark.parametrize("name, given", [("lengths", [5, 0, 3, 1]), ("resets", [[True] * 4] * 5)])
def test_lists_are_as_good_as_arrays(name: str, given: list, bad_input: None) -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, steps=5))
    found = unroll(CELL, call.params, call.xs, **{name: given})
    wanted = unroll(CELL, call.params, call.xs, **{name: jnp.array(given)})
    chex.assert_trees_all_equal(found, wanted)


def test_auto_takes_the_first_that_serves_and_says_why_not_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def serving(reason: str | None) -> types.SimpleNamespace:
        return types.SimpleNamespace(unsupported=lambda cell: reason)

    known = {"picky": serving("not today")}
    monkeypatch.setattr(importlib.import_module("lstm_jax.unroll"), "EXECUTORS", known)
    with pytest.raises(ValueError, match=r"no executor can run LSTM\(.*'picky': 'not today'"):
        choose_executor(CELL)
    with pytest.raises(ValueError, match=r"executor 'picky' cannot run LSTM\(.*: not today"):
        choose_executor(CELL, "picky")
    known.update(first=serving(None), second=serving(None))
    assert choose_executor(CELL) == ("first", {"picky": "not today"})
    assert choose_executor(CELL, "second") == ("second", {})
