"""A run is told of by its arms: one, or one for each variant."""

import math
from pathlib import Path

from experiments.report.arms import Levels, arms_of, levels_of
from experiments.report.reading import read_run
from tests.experiments.report.fabricated import arm, write_lines, write_run

VARIANTS = "variants:\n  - {optimizer.learning_rate: 0.01}\n  - {optimizer.learning_rate: 0.1}\n"


def test_an_arm_knows_its_seeds(tmp_path: Path) -> None:
    found = arm(tmp_path / "a", [100, None, 300])
    assert (found.label, found.needed, found.median) == ("a", [100, 300], 200)
    assert found.rate == 2 / 3
    low, high = found.interval
    assert 0.2 < low < 2 / 3 < high < 0.95
    assert found.error == 0.02
    assert [seed.seen for seed in found.seeds] == [100, 400, 300]


def test_the_typical_seed_is_in_the_middle_of_those_that_solved_it(tmp_path: Path) -> None:
    assert arm(tmp_path / "a", [None, 300, 100, 200, None]).typical == 3
    assert arm(tmp_path / "b", [None, None, None]).typical == 1  # by test errors
    assert arm(tmp_path / "c", [None]).typical == 0


def test_a_curve_ends_where_its_seed_solved_the_task(tmp_path: Path) -> None:
    solved, other = arm(tmp_path / "a", [100, None]).seeds
    assert [x for x, _ in solved.curve.error] == [40, 80, 100]
    assert [x for x, _ in other.curve.error] == list(range(40, 401, 40))
    assert other.curve.held_out == ()


def test_sequences_of_the_runs_before_count(tmp_path: Path) -> None:
    solved, other = arm(tmp_path / "a", [100, None], sequences_before=[1000, 2000]).seeds
    assert (solved.needed, solved.seen, other.needed, other.seen) == (1100, 1100, None, 2400)
    assert [x for x, _ in solved.curve.error] == [1040, 1080, 1100]
    assert [x for x, _ in other.curve.error][:2] == [2040, 2080]


def test_scores_on_held_out_data_have_points_of_their_own(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", [None])
    lines = [{"step": 1, "sequences": 4, "error": [0.5], "test_error": [0.75]}]
    write_lines(folder / "metrics.jsonl", lines)
    (found,) = arms_of(read_run(folder))
    assert found.seeds[0].curve == (((4, 0.5),), ((4, 0.75),))


def test_variants_are_arms_named_by_what_they_set(tmp_path: Path) -> None:
    folder = write_run(
        tmp_path / "a",
        [100, None, 200, 240],
        VARIANTS.replace("\n", "\n"),
    )
    text = (folder / "config.yaml").read_text().replace("seeds: 4", "seeds: 2") + VARIANTS
    (folder / "config.yaml").write_text(text)
    arms = arms_of(read_run(folder), "mine")
    assert [each.label for each in arms] == ["mine, learning rate 0.01", "mine, learning rate 0.1"]
    assert [each.needed for each in arms] == [[100], [200, 240]]
    assert [each.first for each in arms] == [0, 2]
    rates = [each.experiment.optimizer.learning_rate for each in arms if each.experiment]
    assert rates == [0.01, 0.1]


def test_without_a_summary_the_lines_tell_what_they_can(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", [None, None])
    (folder / "summary.json").unlink()
    (found,) = arms_of(read_run(folder))
    assert [seed.name for seed in found.seeds] == ["seed 0", "seed 1"]
    assert found.needed == []
    assert math.isinf(found.error)
    assert found.seeds[1].seen == 400
    (folder / "config.yaml").unlink()
    (found,) = arms_of(read_run(folder))
    assert len(found.seeds) == 2


def test_a_run_of_which_nothing_is_known_has_no_arm(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    for name in ("config.yaml", "summary.json", "metrics.jsonl"):
        (folder / name).write_text("")
    assert arms_of(read_run(folder)) == []
    assert levels_of(read_run(folder)) == Levels("error", None, None)


def test_levels_come_from_the_summary_or_else_from_the_task(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    assert levels_of(read_run(folder)) == Levels("mean absolute error", 0.2, 0.01)
    (folder / "summary.json").unlink()
    found = levels_of(read_run(folder))
    assert (found.error, found.threshold) == ("mean absolute error", 0.01)
    assert found.chance is not None
    assert 0.15 < found.chance < 0.17


def test_a_seed_that_failed_says_where(tmp_path: Path) -> None:
    failed = [{"step": 12, "first_bad": "the loss"}, None]
    found = arm(tmp_path / "a", [None, None], failed=failed)
    assert found.seeds[0].failed == "stopped before step 12: the loss was not finite"
    assert found.seeds[1].failed is None
