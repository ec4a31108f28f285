"""What tables say of the programs that made them."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.sweep.folder import SweepFolder
from experiments.sweep.origin import origin

NOTED = {
    "python": "3.13.1",
    "versions": {"jax": "0.12.0"},
    "cpu": "Some CPU",
    "cores": 2,
    "backend": "cpu",
    "devices": ["cpu:0"],
    "device_kind": "cpu",
    "commit": "07a6b12716da62ad33263b87797d0d954f85f4c1",
}
SECONDS = {"0123456789ab": 75.0, "another": 75.0}


def told(folder: Path, *notes: dict[str, Any]) -> tuple[str, str]:
    for trial, noted in zip(SECONDS, notes, strict=False):
        (folder / "trials" / trial).mkdir(parents=True)
        (folder / "trials" / trial / "environment.json").write_text(json.dumps(noted))
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").touch()
    return origin(SECONDS, SweepFolder(folder), "a command")


def test_programs_that_noted_the_same_are_told_of_together(tmp_path: Path) -> None:
    assert told(tmp_path / "out", NOTED, NOTED) == (
        "2 programs, 2 min 30 s of wall time in sum, each on 1 cpu device of a machine with 2 "
        "cores of Some CPU.",
        "`a command`; commit 07a6b1271, Python 3.13.1, jax 0.12.0.",
    )


def test_what_differs_is_told_of_each(tmp_path: Path) -> None:
    gpu = {"backend": "gpu", "device_kind": "NVIDIA H1", "commit": f"{'9' * 40}-dirty"}
    time, versions = told(tmp_path / "out", NOTED, NOTED | gpu)
    assert "each on 1 cpu device of a" in time
    assert " and each on 1 gpu device (NVIDIA H1) of a" in time
    assert "commit 07a6b1271 and 999999999 + changes, Python 3.13.1, jax" in versions


@pytest.mark.parametrize("notes", [(), ([],)])
def test_programs_that_noted_nothing(tmp_path: Path, notes: tuple[Any, ...]) -> None:
    assert told(tmp_path / "out", *notes) == (
        "2 programs, 2 min 30 s of wall time in sum.",
        "`a command`.",
    )
