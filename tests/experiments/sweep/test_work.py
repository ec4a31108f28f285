"""What the subcommand's own tests leave: they train whole sweeps, and stop and kill them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.sweep.folder import SweepFolder
from experiments.sweep.sheet import Sheet
from experiments.sweep.work import Outcome, _command, plan


def test_a_trial_is_the_command_that_people_would_type(tmp_path: Path) -> None:
    assert _command(SweepFolder(tmp_path), "0123456789ab") == (
        *(sys.executable, "-m", "experiments", "run", f"{tmp_path}/trials/0123456789ab.yaml"),
        *("--resume", "--out", f"{tmp_path}/trials/0123456789ab"),
    )


def test_a_failure_is_told_with_the_last_line_that_was_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SweepFolder(tmp_path)
    folder.log("abc").parent.mkdir(parents=True)
    folder.log("abc").write_text("first\nlast\n\n")
    Outcome({"abc": "ended with exit status 1", "def": "was killed 4 times"}, None).tell_failures(
        folder
    )
    assert capsys.readouterr().err.splitlines() == [
        f"trial abc ended with exit status 1: last ({folder.log('abc')})",
        f"trial def was killed 4 times: nothing was printed ({folder.log('def')})",
    ]


def test_a_cell_of_which_other_things_are_said_has_the_same_result(
    read_sheet: Callable[..., Sheet], tmp_path: Path
) -> None:
    folder = SweepFolder(tmp_path / "out")
    sheet = read_sheet("grid: {train.seeds: [3, 2]}")
    trials, places = plan(sheet, folder)
    assert len(trials) == 2
    folder.begin(sheet, trials, places)
    for trial in trials:
        folder.run(trial.name).mkdir()
        (folder.run(trial.name) / "summary.json").write_text(json.dumps({"status": "completed"}))
    published = "published: {source: s, row: a}"
    again = read_sheet(f"list: [{{title: b}}, {{{published}, train.seeds: 3}}, {{train.seeds: 4}}]")
    trials, others = plan(again, folder)
    assert [trial.experiment.train.seeds for trial in trials] == [4]
    assert others == [places[1], places[0], (trials[0].name, 0)]


def test_cells_of_one_list_that_differ_in_what_is_said_are_trained_once(
    read_sheet: Callable[..., Sheet], tmp_path: Path
) -> None:
    sheet = read_sheet("list: [{title: b}, {train.seeds: 3}, {title: c}]")
    trials, places = plan(sheet, SweepFolder(tmp_path / "out"))
    assert [trial.experiment.title for trial in trials] == ["b", "Base"]
    assert places == [(trials[0].name, 0), (trials[1].name, 0), (trials[0].name, 0)]
