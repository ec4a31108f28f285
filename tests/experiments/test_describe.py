"""What a run says of itself in the terminal."""

from pathlib import Path
from typing import Any

import jax
import pytest

from experiments.build import build
from experiments.config import Experiment, ModelSettings
from experiments.describe import describe_end, describe_start
from lstm_jax import LSTM
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, TrainSettings, choose_mesh

TASK = Adding("bai2018", 20)


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "status": "completed",
        "seeds": [0, 1, 2],
        "sequences_to_solve": [None, None, None],
        "final": {"test_error": None},
        "wall_seconds": 75.0,
        "compile_seconds": 4.4,
    } | changes


def end(**changes: Any) -> list[str]:
    return describe_end(summary(**changes), TASK, Path("runs/a")).splitlines()


@pytest.mark.parametrize(
    "seeds, title, expected",
    [
        (4, "A title", "A title: 4 seeds of 43 parameters on 2 cpu devices"),
        (1, "", "Adding: 1 seed of 43 parameters on 1 cpu device"),
    ],
)
def test_the_beginning_in_a_line(seeds: int, title: str, expected: str) -> None:
    train = TrainSettings(batch_size=1, max_sequences=8, log_every=1, seeds=seeds)
    experiment = Experiment(TASK, ModelSettings(LSTM(2)), SGD(0.1), train, title)
    parts = build(experiment)._replace(
        mesh=choose_mesh(jax.devices("cpu")[:2], seeds, batch_size=1)
    )
    assert describe_start(experiment, parts) == expected
    assert describe_start(experiment, parts, "tpu") == expected.replace("cpu", "tpu")


def test_the_end_of_a_run() -> None:
    assert end(sequences_to_solve=[10_000, None, 42_000]) == [
        "solved: 2 of 3 seeds, after 10,000 to 42,000 (median 26,000) sequences",
        "time: 1 min 15 s, 4 s of it compiling",
        f"picture: {Path('runs/a/curves.png')}",
    ]


def test_numbers_that_are_alike_are_said_once() -> None:
    assert end(seeds=[0], sequences_to_solve=[800])[0] == "solved: 1 of 1 seed, after 800 sequences"


def test_test_scores_are_said_beside_chance() -> None:
    line = end(final={"test_error": [0.02, 0.0312, 0.5]})[1]
    assert line == "test: mean absolute error 0.02 to 0.5 (median 0.0312), chance 0.333"


def test_none_solved() -> None:
    assert end()[0] == "solved: 0 of 3 seeds"


@pytest.mark.parametrize("status", ["diverged", "interrupted"])
def test_a_run_that_did_not_complete_says_so_first(status: str) -> None:
    assert end(status=status)[0] == f"{status}: no result of the whole run"
