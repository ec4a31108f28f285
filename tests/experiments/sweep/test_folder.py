"""What a sweep leaves behind can be read back, and foreign directories are left alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import load
from experiments.sweep.folder import SweepFolder
from experiments.sweep.sheet import Sheet, load_sheet
from experiments.sweep.trials import Place, Trial, group

GRID = "title: Rates\ngrid: {optimizer.learning_rate: [1, 2], model.hidden_size: [4, 8]}"


@pytest.fixture
def sheet(read_sheet: Callable[..., Sheet]) -> Sheet:
    return read_sheet(GRID)


@pytest.fixture
def begun(sheet: Sheet, tmp_path: Path) -> tuple[SweepFolder, list[Trial], list[Place]]:
    folder = SweepFolder(tmp_path / "out")
    trials = group(cell.experiment for cell in sheet.cells)
    found = trials[0].places | trials[1].places
    places = [found[cell.experiment] for cell in sheet.cells]
    folder.begin(sheet, trials, places)
    return folder, trials, places


def summarise(folder: SweepFolder, trial: str, text: str) -> None:
    folder.run(trial).mkdir(exist_ok=True)
    (folder.run(trial) / "summary.json").write_text(text)


def test_the_sweep_and_its_trials_read_back(
    sheet: Sheet, begun: tuple[SweepFolder, list[Trial], list[Place]]
) -> None:
    folder, trials, places = begun
    assert load_sheet(folder.path / "sweep.yaml").cells == sheet.cells
    assert [load(folder.config(trial.name)) for trial in trials] == [t.experiment for t in trials]
    cells = json.loads((folder.path / "cells.json").read_text())
    assert [Place(cell["trial"], cell["variant"]) for cell in cells] == places
    assert cells[1]["keys"] == {"optimizer.learning_rate": 1, "model.hidden_size": 8}


def test_a_run_directory_is_left_to_the_run(
    begun: tuple[SweepFolder, list[Trial], list[Place]],
) -> None:
    folder, trials, _ = begun
    assert not any(folder.run(trial.name).exists() for trial in trials)


@pytest.mark.parametrize(
    "text, finished",
    [
        ('{"status": "completed"}', True),
        ('{"status": "diverged"}', True),
        ('{"status": "running"}', False),
        ('{"status": "failed"}', False),
        ("{", False),
        ("[]", False),
    ],
)
def test_a_trial_is_finished_by_its_summary(
    begun: tuple[SweepFolder, list[Trial], list[Place]], text: str, finished: bool
) -> None:
    folder, trials, _ = begun
    assert not folder.finished(trials[0].name)
    summarise(folder, trials[0].name, text)
    assert folder.finished(trials[0].name) == finished
    assert folder.results() == (trials[0].places if finished else {})


def test_a_trial_whose_config_was_changed_is_no_result(
    begun: tuple[SweepFolder, list[Trial], list[Place]],
) -> None:
    folder, trials, _ = begun
    for trial in trials:
        summarise(folder, trial.name, '{"status": "completed"}')
    path = folder.config(trials[0].name)
    path.write_text(path.read_text().replace("hidden_size: 4", "hidden_size: 5"))
    folder.config(trials[1].name).write_text("what: is this\n")
    assert folder.results() == {}


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"holds no sweep; name another directory with --out"):
        SweepFolder(tmp_path)
    with pytest.raises(FileExistsError, match=r"is no directory; name another with --out"):
        SweepFolder(tmp_path / "thesis.tex")


def test_a_directory_that_holds_a_lock_alone_is_as_good_as_empty(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert SweepFolder(tmp_path).results() == {}
