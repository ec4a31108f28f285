"""A batch that is not a number, at a given step of a given seed, under each policy.

The references never see a bad batch: they are led around it by hand.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.training import Adam, Member, SeedState, Training
from lstm_jax.training.loop import run_steps, start
from tests.reliability.commands import Ended, experiments
from tests.reliability.poisoned import Poisoned
from tests.reliability.runs import leaves, sealed

pytestmark = pytest.mark.usual_promotion

BAD, LINE, END = 47, 20, 90
"""The step of the bad batch, steps from one line of metrics to the next, the last step."""


def training(policy: str, bad_steps: int = 0) -> Training:
    task = Poisoned("hochreiter1997", 20, bad_seed=3, bad_step=BAD, bad_steps=bad_steps)
    model = SequenceModel(Stack((LSTM(4),)), task.input_size, task.output_size)
    adam = Adam(learning_rate=0.01)
    optimizer = dataclasses.replace(adam, clip_norm=1.0).build(END)
    return Training(task, model, optimizer, batch_size=4, on_nonfinite=policy)


def runner(training: Training) -> Callable[[SeedState, int], SeedState]:
    """Runs on to a step, one line of metrics after another."""
    until = jax.jit(lambda state, step: run_steps(training, state, step, jnp.bool_(True)))

    def run(state: SeedState, end: int) -> SeedState:
        while int(state.step) < end and int(state.health.failed_at) < 0:
            line = min(end, (int(state.step) // LINE + 1) * LINE)
            state = until(state, jnp.int32(line))
        return state

    return run


def begin(training: Training, seed: int = 3) -> SeedState:
    member = Member(jnp.int32(0), jnp.int32(seed), jnp.float32(0.01), jnp.int32(0))
    return jax.jit(lambda: start(training, member))()


def assert_equal(one: Any, other: Any) -> None:
    same = jax.tree.map(lambda a, b: np.array_equal(a, b), one, other)
    assert all(jax.tree.leaves(same)), same


def assert_finite(tree: Any) -> None:
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("policy", ["stop", "skip", "rollback"])
def test_another_seed_notices_nothing(policy: str) -> None:
    clean = runner(training(policy))(begin(training(policy), seed=4), END)
    beside = runner(training(policy, 1))(begin(training(policy), seed=4), END)
    assert_equal(clean, beside)
    assert int(clean.step) == END


def test_stop_keeps_what_was_learnt_before() -> None:
    ended = runner(training("stop", 1))(begin(training("stop")), END)
    assert (int(ended.step), int(ended.health.failed_at)) == (BAD, BAD)
    before = runner(training("stop"))(begin(training("stop")), BAD)
    assert_equal(ended.learnt, before.learnt)
    assert_finite(ended.learnt)


def test_skip_goes_around_the_batch() -> None:
    ended = runner(training("skip", 2))(begin(training("skip")), END)
    clean = runner(training("skip"))
    before = clean(begin(training("skip")), BAD)
    assert_equal(ended.learnt, clean(before._replace(step=before.step + 2), END).learnt)
    assert int(ended.health.bad_steps) == 2
    assert int(ended.step) == END
    assert_finite(ended.learnt)


def test_rollback_goes_back_to_the_line_before() -> None:
    ended = runner(training("rollback", 1))(begin(training("rollback")), END)
    clean = runner(training("rollback"))
    line = clean(begin(training("rollback")), BAD // LINE * LINE)
    assert_equal(ended.learnt, clean(line._replace(step=jnp.int32(BAD + 1)), END).learnt)
    assert int(ended.health.bad_steps) == 1
    assert int(ended.step) == END
    assert_finite(ended.learnt)


@pytest.mark.parametrize("policy", ["skip", "rollback"])
def test_a_seed_that_stays_bad_stops(policy: str) -> None:
    ended = runner(training(policy, 10_000))(begin(training(policy)), 400)
    assert int(ended.health.failed_at) == BAD + 99
    assert_finite(ended.learnt)


# ---------------------------------------------------------------------------- the command line

CONFIG = f"""\
task: {{name: poisoned, variant: hochreiter1997, length: 20, bad_seed: 1, bad_step: {BAD}}}
model: {{cell: lstm, hidden_size: 4}}
optimizer: {{name: adam, learning_rate: 1e-2}}
train: {{seeds: 3, batch_size: 4, max_sequences: 400, log_every: {LINE}}}
"""


def command(folder: Path, name: str, *more: str) -> tuple[Ended, Path]:
    """Run the config into a folder of that name."""
    config = folder / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    run = folder / name
    running = experiments("run", config, *more, "--out", run, module="tests.reliability.poisoned")
    return running.wait(), run


def by_seed(run: Path) -> dict[int, dict[str, bytes]]:
    """What each seed has learnt at the end."""
    found = leaves(sealed(run)[-1])
    seeds, places = found["member.seed"], found["member.place"]
    return {
        int(seed): {
            name: leaf[lane].tobytes()
            for name, leaf in found.items()
            if name.startswith("learnt.") and np.isfinite(leaf[lane]).all()
        }
        for lane, seed in enumerate(seeds)
        if places[lane] >= 0
    }


@pytest.mark.short(1)
@pytest.mark.parametrize("policy", ["stop", "skip", "rollback"])
def test_one_bad_seed_takes_no_other_along(policy: str, tmp_path: Path) -> None:
    setting = f"train.on_nonfinite={policy}"
    ended, clean = command(tmp_path, "clean", setting)
    assert ended.status == 0, ended.said
    ended, bad = command(tmp_path, "bad", setting, "task.bad_steps=1")
    assert ended.status == 0, ended.said
    assert "Traceback" not in ended.said
    learnt, expected = by_seed(bad), by_seed(clean)
    assert learnt.keys() == expected.keys() == {0, 1, 2}
    assert learnt[0] == expected[0]
    assert learnt[2] == expected[2]
    assert learnt[1].keys() == expected[1].keys()  # all of it finite
    assert learnt[1] != expected[1]
    if policy == "stop":
        assert f"seed_1 stopped before step {BAD}: " in ended.said
        summary = (bad / "summary.json").read_text("utf-8")
        assert "NaN" not in summary


def test_nothing_goes_on_where_all_seeds_are_bad(tmp_path: Path) -> None:
    ended, run = command(tmp_path, "run", "task.bad_steps=1", "task.bad_seed=-1")
    assert ended.status == 1, ended.said
    assert str(BAD) in ended.said
    assert "Traceback" not in ended.said
    assert all(learnt.keys() == by_seed(run)[0].keys() for learnt in by_seed(run).values())
