"""Bad batches under each policy, against loops that never see them."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from lstm_jax.training import Adam, SeedState, Training, build_program, members
from lstm_jax.training.loop import run_steps, runs, start
from lstm_jax.training.nonfinite import MAX_IN_A_ROW, Policy, all_finite, select
from tests.lstm_jax.training.plain import (
    MARK,
    RATE,
    SEED,
    Brittle,
    Leaky,
    LongWalk,
    assert_finite,
    assert_identical,
    by_member,
    member,
    train_plainly,
)
from tests.tolerances import CLOSE, assert_close

BATCH = 4
LINE, END = 5, 14
BAD = (7, 8, 12)
"""Steps that are bad: two in a row, and one in another line of metrics."""

Break = dict[str, Any]
BREAKS: dict[str, tuple[type[Leaky], Break, Break]] = {
    "loss": (Leaky, {}, {"spoilt": float("nan")}),
    "gradient": (Brittle, {"breaks": "gradient"}, {"spoilt": MARK, "bad_row": 2}),
    "update": (Brittle, {"breaks": "moments"}, {"spoilt": MARK, "bad_row": 0}),
    "carry": (Brittle, {"breaks": "carry"}, {"spoilt": MARK, "bad_row": 3}),
}
"""What is the first to be bad; nothing before it is."""


def training(policy: Policy, what: str = "loss", bad: tuple[int, ...] = BAD) -> Training:
    model, breaks, spoilt = BREAKS[what]
    task = LongWalk(bad_seed=SEED, bad_steps=bad, **spoilt)
    return Training(task, model(**breaks), Adam(RATE).build(999), BATCH, on_nonfinite=policy)


@functools.cache
def train(
    policy: Policy, what: str = "loss", bad: tuple[int, ...] = BAD, until: int = END
) -> SeedState:
    """In lines of `LINE` steps, of which each is a call."""
    spoilt = training(policy, what, bad)
    run = jax.jit(lambda state, until: run_steps(spoilt, state, until, jnp.bool_(True)))
    state = jax.jit(lambda: start(spoilt, member()))()
    for line in range(LINE, until + LINE, LINE):
        state = run(state, jnp.int32(min(line, until)))
    return state


def test_stop_keeps_what_was_learnt_before() -> None:
    state = train("stop")
    assert (state.step, state.health.failed_at, state.health.bad_steps) == (7, 7, 1)
    assert not runs(state)
    assert_close(
        state.learnt, train_plainly(training("stop"), member(), 7).learnt, CLOSE["float32"]
    )


@pytest.mark.parametrize("what", BREAKS)
def test_skip_goes_around_the_bad_batches(what: str) -> None:
    """Parameters, optimiser and carried state are those of before."""
    spoilt = training("skip", what)
    state = train("skip", what)
    expected = train_plainly(spoilt, member(), END, left_out=BAD)
    assert_finite(state.learnt)
    assert_close(state.learnt, expected.learnt, CLOSE["float32"])
    assert tuple(state.health) == (-1, len(BAD), 0)
    assert (state.step, runs(state)) == (END, True)
    assert state.totals.steps == 3  # of steps 10 to 13, without 12
    losses = [float(scores.loss.mean()) for scores in expected.scores[-3:]]
    assert state.totals.loss == pytest.approx(sum(losses), rel=1e-5)


@pytest.mark.parametrize("what", ["loss", "carry"])
def test_rollback_goes_back_to_the_last_line_of_metrics(what: str) -> None:
    spoilt = training("rollback", what)
    state = train("rollback", what)
    lines = range(0, END, LINE)
    expected = train_plainly(spoilt, member(), END, left_out=BAD, lines=lines)
    assert_finite(state.learnt)
    assert_close(state.learnt, expected.learnt, CLOSE["float32"])
    assert tuple(state.health) == (-1, len(BAD), 0)
    assert state.step == END
    skipped = train_plainly(spoilt, member(), END, left_out=BAD).learnt
    assert np.abs(state.learnt.params["w"] - skipped.params["w"]).max() > 1e-2


def test_rollback_goes_back_to_a_line_that_began_calls_ago() -> None:
    """And a call that begins none makes no snapshot."""
    spoilt = training("rollback")
    run = jax.jit(lambda *call: run_steps(spoilt, *call))
    state = start(spoilt, member())
    for until, afresh in [(2, True), (6, False), (9, False), (13, True)]:
        state = run(state, jnp.int32(until), jnp.bool_(afresh))
    expected = train_plainly(spoilt, member(), 13, left_out=BAD, lines=(0, 9))
    assert_close(state.learnt, expected.learnt, CLOSE["float32"])


@pytest.mark.parametrize("policy", ["rollback", "stop", "skip"])
@pytest.mark.few(1)
def test_where_all_is_well_the_policy_changes_nothing(policy: Policy) -> None:
    state, plain = train(policy, bad=()), train("stop", bad=())
    assert_identical(state._replace(snapshot=None), plain)
    assert_close(
        plain.learnt,
        train_plainly(training("stop", bad=()), member(), END).learnt,
        CLOSE["float32"],
    )


@pytest.mark.parametrize("policy", ["skip", "rollback"])
def test_a_seed_that_stays_bad_stops(policy: Policy) -> None:
    """Not for bad steps that sound ones come between."""
    first, last = 3, 3 + 1 + MAX_IN_A_ROW
    bad = (1, *range(first, last))
    state = train(policy, bad=bad, until=last + 40)
    assert state.health.failed_at == state.step == last - 2
    assert state.health.bad_steps == MAX_IN_A_ROW + 1
    assert_finite(state.learnt)
    almost = train(policy, bad=bad[:-2], until=last + 40)
    assert tuple(almost.health) == (-1, MAX_IN_A_ROW, 0)
    assert almost.step == last + 40


@pytest.mark.parametrize("what, policy", [("loss", "stop"), ("carry", "skip")])
@pytest.mark.few(1)
def test_neighbours_keep_every_bit(what: str, policy: Policy) -> None:
    """In the same group and in the next."""
    spoilt = training(policy, what)
    clean = dataclasses.replace(spoilt, task=dataclasses.replace(spoilt.task, bad_steps=()))
    found, expected = (
        by_member(trained(each, (SEED - 1, SEED, SEED + 1), devices=1)) for each in (spoilt, clean)
    )
    for neighbour in (0, 2):
        assert_identical(found[neighbour], expected[neighbour])
    assert found[1].health.bad_steps == (1 if policy == "stop" else len(BAD))
    assert_close(found[1].learnt, train(policy, what).learnt, CLOSE["float32"])


@pytest.mark.parametrize("what, policy", [("carry", "skip"), ("loss", "rollback")])
@pytest.mark.few(1)
def test_devices_that_share_a_batch_agree_on_what_is_bad(what: str, policy: Policy) -> None:
    """Even where one of them alone holds the bad rows."""
    spoilt = dataclasses.replace(training(policy, what), shares=2)
    one, two = (by_member(trained(spoilt, (SEED,), devices))[0] for devices in (1, 2))
    assert tuple(one.health) == tuple(two.health) == (-1, len(BAD), 0)
    assert_close(two.learnt, one.learnt, CLOSE["float32"])
    assert_close(two.learnt, train(policy, what).learnt, CLOSE["float32"])


def trained(training: Training, seeds: tuple[int, ...], devices: int) -> SeedState:
    """Groups of two, over so many devices that share each batch."""
    mesh = Mesh(np.array(jax.devices("cpu")[:devices]).reshape(1, devices), ("seeds", "data"))
    program = build_program(training, members(seeds, RATE), mesh, width=2)
    states = program.start()
    for line in (5, 10, END):
        states, _ = program.run_steps(states, np.int32(line), np.bool_(True))
    return states


@pytest.mark.parametrize("value, expected", [(1.0, True), (np.nan, False), (-np.inf, False)])
def test_one_number_spoils_a_tree(value: float, expected: bool) -> None:
    tree = {"a": jnp.ones((2, 3)), "b": (jnp.arange(4), jnp.array([1.0, value, 2.0]))}
    assert all_finite(tree) == expected
    assert all_finite({"keys": jax.random.key(0), "none": None})


@pytest.mark.parametrize("condition", [True, False])
def test_selects_one_of_two_trees(condition: bool) -> None:
    one, other = {"a": jnp.ones(2), "n": jnp.int32(1)}, {"a": jnp.full(2, jnp.nan), "n": 2}
    found = select(jnp.bool_(condition), one, other)
    assert_identical(found["a"], one["a"] if condition else other["a"])
    assert found["n"] == (1 if condition else 2)
