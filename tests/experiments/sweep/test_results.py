"""The figures of a cell are those of its own members in the summary of its trial."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

from experiments.sweep.folder import SweepFolder
from experiments.sweep.results import Result, programs, results, swept, wilson
from experiments.sweep.sheet import Sheet
from experiments.sweep.trials import group

Read = Callable[..., Sheet]


@pytest.mark.parametrize("seeds", [1, 2, 7, 64])
def test_the_interval_is_that_of_scipy(seeds: int) -> None:
    for solved in range(seeds + 1):
        expected = binomtest(solved, seeds).proportion_ci(method="wilson")
        assert wilson(solved, seeds) == pytest.approx(tuple(expected), abs=1e-12)
        assert wilson(solved, seeds)[0] <= solved / seeds <= wilson(solved, seeds)[1]


def collect(sheet: Sheet, tmp_path: Path, summaries: list[dict[str, Any] | None]) -> list[Result]:
    """The results of a sweep whose trials have these summaries."""
    folder = SweepFolder(tmp_path / "out")
    trials = group(cell.experiment for cell in sheet.cells)
    found = {cell: place for trial in trials for cell, place in trial.places.items()}
    places = [found[cell.experiment] for cell in sheet.cells]
    folder.begin(sheet, trials, places)
    for trial, summary in zip(trials, summaries, strict=True):
        if summary is not None:
            folder.run(trial.name).mkdir()
            (folder.run(trial.name) / "summary.json").write_text(json.dumps(summary))
    return results(sheet.cells, places, folder)


def summary(needed: list[int | None], errors: list[float | None] | None, **more: Any) -> dict:
    return {
        "status": "completed",
        "sequences_to_solve": needed,
        "sequences_before": [0] * len(needed),
        "final": {"test_error": errors},
        "times": {"wall_seconds": 9.5},
    } | more


def test_each_cell_has_its_own_members_and_the_best_comes_first(
    read_sheet: Read, tmp_path: Path
) -> None:
    sheet = read_sheet("set: {train.seeds: 3}\ngrid: {optimizer.learning_rate: [1, 2, 3, 4]}")
    needed = [100, None, 900, 500, 400, 600, None, None, None, 450, 300, 700]
    errors = [0.1, 0.2, 0.3, 1.1, 1.2, 1.3, None, None, None, 2.1, 2.2, 2.3]
    found = collect(sheet, tmp_path, [summary(needed, errors)])
    rates = [result.values["optimizer.learning_rate"] for result in found]
    assert rates == [4, 2, 1, 3]
    best, _, third, last = found
    assert (best.sequences, best.median_sequences, best.median_error) == ((450, 300, 700), 450, 2.2)
    assert (third.solved, third.rate, third.seconds) == (2, pytest.approx(2 / 3), 9.5)
    assert third.interval == wilson(2, 3)
    assert third.median_sequences == 500
    assert (last.solved, last.median_sequences, last.errors) == (0, math.inf, ())


def test_sequences_of_the_runs_before_count(read_sheet: Read, tmp_path: Path) -> None:
    sheet = read_sheet("set: {train.seeds: 2}\ngrid: {optimizer.learning_rate: [1, 2]}")
    told = summary([100, None, 300, 400], None, sequences_before=[7, 8, 9, 10])
    found = collect(sheet, tmp_path, [told])
    assert [result.sequences for result in found] == [(309, 410), (107,)]


def test_test_error_decides_between_cells_that_solved_nothing(
    read_sheet: Read, tmp_path: Path
) -> None:
    sheet = read_sheet("set: {train.seeds: 1}\ngrid: {optimizer.learning_rate: [1, 2]}")
    found = collect(sheet, tmp_path, [summary([None, None], [0.4, 0.3])])
    assert [result.errors for result in found] == [(0.3,), (0.4,)]


def test_a_cell_without_a_result_comes_last(read_sheet: Read, tmp_path: Path) -> None:
    sheet = read_sheet("grid: {model.hidden_size: [3, 4, 5]}")
    running = summary([5, 5], [0.1, 0.1], status="running")
    diverged = summary([None, None], None, status="diverged")
    found = collect(sheet, tmp_path, [None, running, diverged])
    assert [result.status for result in found] == ["diverged", "missing", "missing"]
    assert [result.finished for result in found] == [True, False, False]
    assert found[0].errors == ()


def test_programs_are_counted_once_and_where_they_have_ended(
    read_sheet: Read, tmp_path: Path
) -> None:
    sheet = read_sheet("grid: {optimizer.learning_rate: [1, 2], model.hidden_size: [3, 4]}")
    found = collect(sheet, tmp_path, [summary([1, 2, 3, 4], None), None])
    (trial,) = {result.place.trial for result in found if result.finished}
    assert programs(found) == {trial: 9.5}


def test_only_keys_that_differ_are_swept(read_sheet: Read) -> None:
    grid = "grid: {model.hidden_size: [3, 4], optimizer.learning_rate: [0.1], train.seeds: [2]}"
    assert swept(read_sheet(grid).cells) == ["model.hidden_size"]
    assert swept(read_sheet("grid: {train.seeds: [3]}").cells) == ["train.seeds"]


def test_a_cell_that_leaves_a_key_to_the_config_has_its_value(
    read_sheet: Read, tmp_path: Path
) -> None:
    sheet = read_sheet(
        "list: [{}, {optimizer.learning_rate: 3}, {model.bias: {name: chrono, t_max: 9}}]"
    )
    found = collect(sheet, tmp_path, [summary([1, 2, 3, 4, 5, 6], None)])
    assert [dict(result.values) for result in found] == [
        {"optimizer.learning_rate": 0.1, "model.bias": {"name": "forget", "value": 1.0}},
        {"optimizer.learning_rate": 3, "model.bias": {"name": "forget", "value": 1.0}},
        {"optimizer.learning_rate": 0.1, "model.bias": {"name": "chrono", "t_max": 9}},
    ]
