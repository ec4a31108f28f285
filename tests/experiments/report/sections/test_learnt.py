"""Tables of seeds, of arms and of differences say what the runs say."""

import json
from pathlib import Path

import pytest

from experiments.report.album import Album
from experiments.report.arms import Levels, levels_of
from experiments.report.page import Picture, Table, Text
from experiments.report.sections.learnt import (
    MAX_COLUMNS,
    comparison,
    curves_alt,
    difference_table,
    learning,
    published_of,
    seed_table,
)
from experiments.report.statistics import compare
from tests.experiments.report.fabricated import ENVIRONMENT, arm, write_run

LEVELS = Levels("the error", 0.2, 0.01)
PUBLISHED = "published: {source: Someone 1999, sequences: 1000}\n"


def test_the_table_of_one_run_has_its_seeds_and_what_others_had(tmp_path: Path) -> None:
    shown = seed_table(arm(tmp_path / "a", [100, None], extra=PUBLISHED), LEVELS)
    assert list(shown.rows) == [
        ("seed 0", "yes", "100", "100", "0.01"),
        ("seed 1", "no", "–", "400", "0.02"),
        ("all, median", "1 of 2 (9–91%)", "100", "", "0.015"),
        ("published: Someone 1999", "–", "1,000", "", "–"),
    ]
    assert shown.best == 2
    assert any("10 times fewer" in note for note in shown.notes)


def test_published_figures_of_another_task_are_told_apart(tmp_path: Path) -> None:
    found = arm(tmp_path / "a", extra=PUBLISHED)
    assert published_of([found]) is not None
    command = [*ENVIRONMENT["command"], "task.length=200", "train.seeds=3"]
    (tmp_path / "a" / "environment.json").write_text(json.dumps(ENVIRONMENT | {"command": command}))
    found = found._replace(run=found.run._replace(environments=[{"command": command}]))
    assert published_of([found]) is None
    assert not any("published" in row[0] for row in seed_table(found, LEVELS).rows)


def test_a_failed_seed_says_why_in_the_table(tmp_path: Path) -> None:
    failed = [{"step": 3, "first_bad": "the loss"}]
    shown = seed_table(arm(tmp_path / "a", [None], failed=failed), LEVELS)
    assert shown.rows[0][1] == "stopped before step 3: the loss was not finite"


def test_arms_are_ranked_and_tested(tmp_path: Path) -> None:
    arms = [arm(tmp_path / "bad", [None] * 5), arm(tmp_path / "good", [100, 110, 120, 130, 140])]
    section = comparison(arms, LEVELS, compare(arms))
    sentence, table = section.blocks
    assert isinstance(sentence, Text)
    assert isinstance(table, Table)
    assert "“good” is better" in sentence.text
    assert list(table.rows) == [
        ("good", "5 of 5", "57–100%", "120 (100 to 140)", "0.03", ""),
        ("bad", "0 of 5", "0–43%", "–", "0.03", "0.0079"),
    ]
    assert table.best == 0


def test_runs_of_several_tasks_are_not_ranked(tmp_path: Path) -> None:
    arms = [arm(tmp_path / "a"), arm(tmp_path / "b")]
    text, table = comparison(arms, LEVELS, []).blocks
    assert isinstance(text, Text)
    assert isinstance(table, Table)
    assert text.text.startswith("The runs are not of one task")
    assert table.best is None


def test_differences_are_keys_that_differ_and_no_others(tmp_path: Path) -> None:
    first, second = arm(tmp_path / "a", [100]), arm(tmp_path / "b", [100, 200])
    found = difference_table([first, second])
    assert found is not None
    assert list(found.columns) == ["key", "a", "b"]
    assert list(found.rows) == [("train.seeds", "1", "2")]
    assert difference_table([first]) is None
    assert difference_table([first, first]) is None


def test_many_arms_have_a_row_each(tmp_path: Path) -> None:
    arms = [arm(tmp_path / str(n), [100] * (1 + n)) for n in range(MAX_COLUMNS + 1)]
    found = difference_table(arms)
    assert found is not None
    assert list(found.columns) == ["setting", "train.seeds"]
    assert len(found.rows) == MAX_COLUMNS + 1


def test_versions_and_commits_are_differences_too(tmp_path: Path) -> None:
    first = arm(tmp_path / "a")
    write_run(tmp_path / "b")
    other = first._replace(
        label="b",
        run=first.run._replace(environments=[ENVIRONMENT | {"commit": "later"}]),
    )
    found = difference_table([first, other])
    assert found is not None
    assert list(found.rows) == [("commit", "0123abc", "later")]


@pytest.mark.parametrize("count", [1, 2])
def test_curves_are_drawn_and_told(tmp_path: Path, count: int) -> None:
    arms = [arm(tmp_path / str(n)) for n in range(count)]
    album = Album(tmp_path / "pictures")
    section = learning(arms, levels_of(arms[0].run), album)
    pictures = [block for block in section.blocks if isinstance(block, Picture)]
    assert len(pictures) == len(album.files) == count
    assert all(path.exists() for path in album.files)
    assert pictures[0].alt == curves_alt(arms, levels_of(arms[0].run))
    assert "mean absolute error" in pictures[0].alt


@pytest.mark.parametrize("before", [0, 1000])
def test_sequences_of_the_runs_before_are_told(tmp_path: Path, before: int) -> None:
    found = arm(tmp_path / "a", [100, None], sequences_before=[before] * 2)
    section = learning([found], LEVELS, Album(tmp_path / "pictures"))
    (picture,) = [block for block in section.blocks if isinstance(block, Picture)]
    assert ("the runs that a seed had gone through" in picture.caption) == bool(before)


def test_a_run_without_a_line_has_no_curves(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "b")
    (folder / "metrics.jsonl").write_text("")
    found = arm(tmp_path / "a")
    found = found._replace(
        seeds=tuple(seed._replace(curve=seed.curve._replace(error=())) for seed in found.seeds)
    )
    section = learning([found], LEVELS, Album(tmp_path / "pictures"))
    assert not any(isinstance(block, Picture) for block in section.blocks)
