"""The numbers that every sink shows of a line."""

import json
import math

import pytest

from experiments.sinks.base import scalars, warn

MEMBERS = ["seed_3", "seed_4", "seed_5"]


def test_every_member_and_the_mean_over_those_that_are_finite() -> None:
    line = {
        "step": 20,
        "sequences": 80,
        "loss": [0.75, None, 0.25],
        "error": [math.nan, 2.0, math.inf],
        "correct": [None, None, None],
        "solved": [True, False, False],
        "test_loss": [1.0, 2.0, 6.0],
    }
    expected = {
        "sequences": 80.0,
        **{"loss": 0.5, "loss/seed_3": 0.75, "loss/seed_5": 0.25},
        **{"error": 2.0, "error/seed_4": 2.0},
        **{"solved": 1 / 3, "solved/seed_3": 1.0, "solved/seed_4": 0.0, "solved/seed_5": 0.0},
        "test_loss": 3.0,
        **{"test_loss/seed_3": 1.0, "test_loss/seed_4": 2.0, "test_loss/seed_5": 6.0},
    }
    assert scalars(line, MEMBERS) == expected


def test_a_line_read_back_shows_what_it_showed_at_first() -> None:
    line = {"step": 1, "loss": [0.1, math.nan, 1e-300], "solved": [False, True, False]}
    read = json.loads(json.dumps(line).replace("NaN", "null"))
    assert scalars(read, MEMBERS) == scalars(line, MEMBERS) != {}


def test_a_list_that_is_not_of_the_members_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        scalars({"step": 1, "loss": [1.0, 2.0]}, MEMBERS)


def test_a_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn("a sink is gone:\n  disk\tfull")
    expected = "warning: a sink is gone: disk full; metrics.jsonl holds everything\n"
    assert capsys.readouterr() == ("", expected)
