"""Sentences say what came of a run, and claim no more."""

from pathlib import Path

import pytest

from experiments.config import Published
from experiments.report.arms import Levels
from experiments.report.statistics import compare
from experiments.report.story import (
    beside_published,
    interval,
    number,
    verdict,
    who_solved,
    who_wins,
)
from tests.experiments.report.fabricated import arm

LEVELS = Levels("error", 0.2, 0.01)


@pytest.mark.parametrize(
    "needed, said",
    [
        ([100], "The only seed solved the task, after 100 training sequences."),
        ([100, 300], "Both seeds solved the task, after a median of 200 (100 to 300) training"),
        ([1000, 3000, 2000], "All 3 seeds solved the task, after a median of 2,000 (1,000 to 3"),
        ([100, None, None], "1 of 3 seeds solved the task, after 100 training sequences."),
        ([None, None], "None of the 2 seeds solved the task within 400 training sequences."),
        ([None], "The only seed did not solve the task within 400 training sequences."),
    ],
)
def test_the_verdict(tmp_path: Path, needed: list[int | None], said: str) -> None:
    assert verdict(arm(tmp_path / "a", needed), LEVELS).startswith(said)


def test_the_verdict_holds_test_errors_to_chance(tmp_path: Path) -> None:
    assert verdict(arm(tmp_path / "a", [100, 100]), LEVELS).endswith(
        " On test data the error is a median of 0.015 (0.01 to 0.02); chance is 0.2."
    )


def test_what_others_had_stands_beside_it(tmp_path: Path) -> None:
    found = arm(tmp_path / "a", [100, 300])
    assert beside_published(found, Published("Someone 1999", sequences=1000.0)) == (
        "Someone 1999 needed 1,000 sequences. The median here is 5 times fewer."
    )
    slower = beside_published(found, Published("Someone 1999", sequences=50.0, solve_rate=0.9))
    assert slower == (
        "Someone 1999 needed 50 sequences and solved it in 90% of their trials. The median here "
        "is 4 times more."
    )
    unsolved = arm(tmp_path / "b", [None])
    assert "median" not in beside_published(unsolved, Published("X", sequences=9.0))


def test_a_winner_is_named_only_where_seeds_carry_it(tmp_path: Path) -> None:
    good = arm(tmp_path / "good", [100, 120, 140, 160, 180])
    bad = arm(tmp_path / "bad", [None] * 5)
    (sentence,) = who_wins(compare([good, bad]))
    assert sentence.startswith("“good” is better than the other, by a difference in sequences")
    near = arm(tmp_path / "near", [110, 130, 150, 170, 190])
    (sentence,) = who_wins(compare([good, bad, near]))
    assert "better than “bad” by more than chance" in sentence
    assert "from “near” it cannot be told apart" in sentence
    assert "no difference is significant" in who_wins(compare([good, near]))[0]


def test_too_few_seeds_are_said_to_be_too_few(tmp_path: Path) -> None:
    few = compare([arm(tmp_path / "a", [100, 100]), arm(tmp_path / "b", [None, None])])
    first, second = who_wins(few)
    assert "no difference is significant" in first
    assert "the least p that there can be is 0.33" in second
    assert who_wins([]) == []


def test_who_solved_it_best_first(tmp_path: Path) -> None:
    arms = [arm(tmp_path / "a", [None, None]), arm(tmp_path / "b", [100, None])]
    assert who_solved(arms) == "Seeds that solved the task: “b” 1 of 2, “a” 0 of 2."
    many = [arm(tmp_path / str(n), [100]) for n in range(9)]
    assert who_solved(many).endswith(", 3 other settings follow.")


def test_numbers_that_are_not_there_are_dashes(tmp_path: Path) -> None:
    assert [number(None), number(float("inf")), number(0.12345)] == ["–", "–", "0.123"]
    assert interval(arm(tmp_path / "a", [100, 100, 100, 100])) == "51–100%"
