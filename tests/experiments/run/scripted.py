"""Runs whose course is written down: a compiled program of a few operations in place of training.

the loss of step n      n, and the error twice that
correct                 1 / (n + seed + 2), whose sum depends on the order it is taken in
the one parameter w     the sum of these times the learning rate
"""

import contextlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from experiments.build import Build, build
from experiments.config import Experiment, ModelSettings
from experiments.run import run as run_module
from experiments.run import session as session_module
from experiments.run.curves import plot_curves
from experiments.run.session import Session
from lstm_jax import LSTM
from lstm_jax.tasks import Adding, Scores
from lstm_jax.training import (
    SGD,
    Lanes,
    Member,
    Program,
    SeedState,
    Standing,
    Totals,
    TrainSettings,
)
from lstm_jax.training.examine import Finite
from lstm_jax.training.loop import Learnt, runs
from lstm_jax.training.nonfinite import Policy, after, has_failed, select, sound
from lstm_jax.training.parallel import by_member, in_lanes
from lstm_jax.training.solve import SolveRecord

BATCH = 4
STEPS = 26
NEVER = 10**6
HORIZON = 128
"""Steps of which it can be written that they are bad."""

EXPERIMENT = Experiment(
    Adding("bai2018", 20),
    ModelSettings(LSTM(2)),
    SGD(0.1),
    TrainSettings(batch_size=BATCH, max_sequences=STEPS * BATCH + 3, log_every=10, seeds=2),
    title="Adding, 20 steps",
)


def scripted(
    who: Member,
    solves: Mapping[int, int] | None = None,
    bad: Collection[tuple[int, int]] = (),
    policy: Policy = "stop",
    solving_test: int = NEVER,
    width: int = 1,
) -> Program:
    """A program that trains some members as it is written; the same for all who ask for the same.

    Args:
        who: the members, whose learning rates are those of the one parameter.
        solves: member -> the number of steps after which it has solved its task.
        bad: members and steps, counted from zero, whose numbers are not finite.
        policy: what comes of these.
        solving_test: steps from which on a test solves the task; its error is step / 100.
        width: how many of them are a group.
    """
    fields = tuple(tuple(np.asarray(field).tolist()) for field in who)
    solving = tuple(sorted((solves or {}).items()))
    return _scripted(fields, solving, tuple(bad), policy, solving_test, width)


@cache
def _scripted(
    fields: tuple[tuple[float, ...], ...],
    solves: tuple[tuple[int, int], ...],
    bad: tuple[tuple[int, int], ...],
    policy: Policy,
    solving_test: int,
    width: int,
) -> Program:
    place, seed, rate, init = fields
    who = Member(*map(np.int32, (place, seed)), np.float32(rate), np.int32(init))  # arrays
    lanes = Lanes(len(place), width, 1)
    last = jnp.array([dict(solves).get(each, NEVER) for each in place])
    table = np.zeros((len(place), HORIZON), bool)
    for member, step in bad:
        table[member, step] = True
    is_bad = jnp.array(table)
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def start() -> SeedState:
        place, count = jnp.array(lanes.start), lanes.count
        member = Member(*(jnp.array(field)[jnp.maximum(place, 0)] for field in who))
        none = jnp.zeros((count, 0))
        return SeedState(
            member=member._replace(place=place.astype(jnp.int32)),
            step=jnp.zeros(count, jnp.int32),
            learnt=Learnt({"w": 1.0 * member.seed}, (), None),
            record=SolveRecord(none.astype(jnp.int32), none, jnp.full(count, -1)),
            totals=Totals(jnp.zeros(count, jnp.int32), *[jnp.zeros(count)] * 3),
            health=jax.tree.map(lambda leaf: jnp.full(count, leaf), sound()),
            snapshot=None,
        )

    def one_step(state: SeedState) -> SeedState:
        place, step = state.member.place, state.step
        ok = ~is_bad[place, jnp.minimum(step, HORIZON - 1)]
        health = after(state.health, ok, step, policy)
        goes_on = ~has_failed(health)
        rough = 1.0 / (step + state.member.seed + 2)
        counted = Totals(jnp.ones_like(step), 1.0 * step, 2.0 * step, rough)
        totals = jax.tree.map(jnp.add, state.totals, counted)
        w = state.learnt.params["w"] + state.member.learning_rate * rough
        solved = (step + 1 == last[place]) & goes_on
        solved_at = jnp.where(solved, (step + 1) * BATCH, state.record.solved_at)
        return state._replace(
            step=step + goes_on,
            learnt=select(ok, state.learnt._replace(params={"w": w}), state.learnt),
            record=state.record._replace(solved_at=solved_at),
            totals=select(ok, totals, state.totals),
            health=health,
        )

    def run_steps(
        state: SeedState, until: jax.Array, afresh: jax.Array
    ) -> tuple[SeedState, Standing]:
        nothing = jax.tree.map(jnp.zeros_like, state.totals)
        state = state._replace(totals=select(afresh, nothing, state.totals))

        def goes_on(state: SeedState) -> jax.Array:
            return (state.step < until) & runs(state)

        def step_of_some(state: SeedState) -> SeedState:
            new, going = one_step(state), goes_on(state)

            def chosen(a: jax.Array, b: jax.Array) -> jax.Array:
                return jnp.where(going.reshape(-1, *[1] * (a.ndim - 1)), a, b)

            return jax.tree.map(chosen, new, state)

        state = jax.lax.while_loop(lambda state: goes_on(state).any(), step_of_some, state)
        return state, Standing.of(state)

    def evaluate(state: SeedState, asked: jax.Array) -> tuple[SeedState, Standing, Scores]:
        met = asked & (state.step >= solving_test) & (state.record.solved_at < 0)
        solved_at = jnp.where(met, state.step * BATCH, state.record.solved_at)
        state = state._replace(record=state.record._replace(solved_at=solved_at))
        error = jnp.where(asked, state.step / 100.0, 0.0)
        return state, Standing.of(state), Scores(loss=2 * error, error=error, correct=0 * error)

    def diagnose(state: SeedState) -> dict[str, jax.Array]:
        return {
            "their seed": state.member.seed,
            "made": jnp.where(state.step > 15, jnp.nan, state.step),
        }

    def examine(state: SeedState) -> Finite:
        found = ~is_bad[state.member.place, jnp.minimum(state.step, HORIZON - 1)]
        good = jnp.ones_like(found)
        return Finite(good, {"w": found}, good, found, found, good)

    def reorder(state: SeedState, order: jax.Array) -> SeedState:
        return jax.tree.map(lambda leaf: leaf[order], state)

    seat = partial(in_lanes, lanes=lanes)
    functions = (start, run_steps, evaluate, diagnose, examine, reorder, by_member, seat)
    return Program(lanes, *(jax.jit(function, out_shardings=here) for function in functions))


def scripted_build(experiment: Experiment = EXPERIMENT, **script: Any) -> Build:
    """What a config stands for, but with a program as `scripted` makes it."""
    parts = build(experiment)
    policy = experiment.train.on_nonfinite
    return parts._replace(program=scripted(parts.members, policy=policy, **script))


@contextlib.contextmanager
def one_step_a_call() -> Iterator[None]:
    """Sessions make one step a call, so that what happens at a step is written down too."""
    with mock.patch.object(session_module, "CALL_SECONDS", 0.0):
        yield


def play(
    out: Path,
    experiment: Experiment = EXPERIMENT,
    at_call: Callable[[Session], None] = lambda _: None,
    screen: io.StringIO | None = None,
    resume: bool = False,
    picture: bool = False,
    **script: Any,
) -> str:
    """A scripted run into `out`, which draws its picture only if asked to.

    `at_call` sees the session before each of its steps.
    """
    advance = Session.advance

    def looked_at(self: Session) -> Any:
        at_call(self)
        return advance(self)

    def scripted_parts(experiment: Experiment, after: None) -> Build:
        return scripted_build(experiment, **script)

    console = Console(file=screen or io.StringIO(), width=200)
    with (
        mock.patch.object(run_module, "build", scripted_parts),
        mock.patch.object(Session, "advance", looked_at),
        mock.patch.object(run_module, "plot_curves", plot_curves if picture else lambda _: None),
        one_step_a_call(),
    ):
        return run_module.run(experiment, out, console, resume=resume)
