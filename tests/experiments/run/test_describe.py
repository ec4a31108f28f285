"""What a run says of itself in the terminal."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import pytest

from experiments.build import Build, build
from experiments.config import Experiment, ModelSettings
from experiments.config.laid_over import Keys
from experiments.config.schema import Variant
from experiments.run.describe import describe_end, describe_start
from lstm_jax import LSTM
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, TrainSettings

TASK = Adding("bai2018", 20)


def experiment_of(title: str = "", **train: Any) -> Experiment:
    settings = TrainSettings(**{"batch_size": 1, "max_sequences": 8, "log_every": 1} | train)
    return Experiment(TASK, ModelSettings(LSTM(2)), SGD(0.1), settings, title)


def parts_of(experiment: Experiment) -> Build:
    return build(experiment, jax.devices("cpu")[:2])


PARTS = parts_of(experiment_of(seeds=3, side_by_side=1))


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "status": "completed",
        "step": 1200,
        "seeds": [0, 1, 2],
        "members": list(PARTS.labels),
        "variants": [],
        "sequences_to_solve": [None, None, None],
        "sequences_before": [0] * 3,
        "failed": [None, None, None],
        "bad_steps": [0, 0, 0],
        "final": {"test_error": None},
        "times": {"wall_seconds": 75.0, "compile_seconds": 4.4},
    } | changes


def end(**changes: Any) -> list[str]:
    return describe_end(summary(**changes), PARTS, Path("runs/a")).splitlines()


@pytest.mark.parametrize(
    "seeds, title, expected",
    [
        (4, "A title", "A title: 4 seeds of 43 parameters on 2 cpu devices"),
        (1, "", "Adding: 1 seed of 43 parameters on 1 of 2 cpu devices"),
    ],
)
def test_the_beginning_in_a_line(seeds: int, title: str, expected: str) -> None:
    experiment = experiment_of(title, seeds=seeds, side_by_side=1)
    parts = parts_of(experiment)
    assert describe_start(experiment, parts) == expected
    assert describe_start(experiment, parts, "tpu") == expected.replace("cpu", "tpu")


def test_the_beginning_counts_variants() -> None:
    alone = experiment_of(seeds=4, side_by_side=1)
    others = tuple(Variant(Keys({"n": n}), alone) for n in range(3))
    experiment = dataclasses.replace(alone, variants=others)
    expected = "Adding: 3 variants of 4 seeds of 43 parameters on 2 cpu devices"
    assert describe_start(experiment, parts_of(experiment)) == expected


def test_the_end_of_a_run() -> None:
    assert end(sequences_to_solve=[10_000, None, 42_000]) == [
        "solved: 2 of 3 seeds, after 10,000 to 42,000 (median 26,000) sequences",
        "time: 1 min 15 s, 4 s of it compiling",
        f"picture: {Path('runs/a/curves.png')}",
    ]


def test_sequences_of_the_runs_before_are_told() -> None:
    (line, *_) = end(sequences_to_solve=[800] * 3, sequences_before=[1000, 2000, 2000])
    assert line == (
        "solved: 3 of 3 seeds, after 800 sequences; 1,000 to 2,000 (median 2,000) before, "
        "in what the parameters come from"
    )


def test_numbers_that_are_alike_are_said_once() -> None:
    (line, *_) = end(members=["seed_0"], sequences_to_solve=[800])
    assert line == "solved: 1 of 1 seed, after 800 sequences"


def test_test_scores_are_said_beside_chance() -> None:
    line = end(final={"test_error": [0.02, 0.0312, 0.5]})[1]
    assert line == "test: mean absolute error 0.02 to 0.5 (median 0.0312), chance 0.333"


def test_none_solved() -> None:
    assert end()[0] == "solved: 0 of 3 seeds"
    assert end(variants=[{"n": 1}, {"n": 2}])[0] == "solved: 0 of 3 members"


@pytest.mark.parametrize("status", ["interrupted", "terminated"])
def test_a_run_that_a_signal_ended_says_first_how_it_goes_on(status: str) -> None:
    expected = f"{status} at step 1,200: the same with --resume --out {Path('runs/a')} goes on"
    assert end(status=status)[0] == expected


def test_a_stage_that_a_signal_ended_goes_on_with_the_whole_run() -> None:
    told = summary(status="terminated")
    (first, *_) = describe_end(told, PARTS, Path("runs/a/curriculum/2")).splitlines()
    assert f"--out {Path('runs/a')} goes on" in first


def test_a_run_that_diverged_says_so_first() -> None:
    assert end(status="diverged")[0] == "diverged: no member has a result"


def test_members_that_failed_are_named() -> None:
    failure = {"step": 1150, "first_bad": "the gradient of w_out", "bad_in_a_row": 1}
    lines = end(failed=[None, failure, None], bad_steps=[0, 1, 0])
    assert lines[1] == "seed_1 stopped before step 1,150: the gradient of w_out is not finite"
    assert not any(line.startswith("bad steps") for line in lines)


def test_steps_from_which_nothing_was_learnt_are_counted() -> None:
    """The last one of a member that stopped is told as such."""
    failure = {"step": 1150, "first_bad": "the loss", "bad_in_a_row": 1}
    lines = end(failed=[None, failure, None], bad_steps=[3, 100, 0])
    assert "bad steps: 102, from which nothing was learnt" in lines
