"""What the subcommand's own tests leave: they train whole sweeps, and stop and kill them."""

import sys
from pathlib import Path

import pytest

from experiments.sweep.folder import SweepFolder
from experiments.sweep.work import Outcome, _command


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
