"""Paths become a subject, or one sentence on why they do not."""

import json
from pathlib import Path

import pytest

from experiments.report.gather import NoRun, gather, is_sweep, names_of
from tests.experiments.report.fabricated import write_run


def write_sweep(folder: Path, cells: list[dict[str, object]], trials: list[str]) -> Path:
    (folder / "trials").mkdir(parents=True)
    (folder / "sweep.yaml").write_text("title: A sweep\nconfig: config.yaml\n")
    (folder / "cells.json").write_text(json.dumps(cells))
    for trial in trials:
        write_run(folder / "trials" / trial, [100, None])
    return folder


def cell(trial: str, **keys: object) -> dict[str, object]:
    dotted = {key.replace("__", "."): value for key, value in keys.items()}
    return {"keys": dotted, "trial": trial, "variant": 0}


def test_one_run_is_called_by_its_title(tmp_path: Path) -> None:
    subject = gather([write_run(tmp_path / "a", title="My title")])
    assert (subject.title, subject.missing, subject.sweep) == ("My title", [], None)
    assert [arm.label for arm in subject.arms] == ["My title"]


def test_several_runs_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / name / "run") for name in "ab"] + [write_run(tmp_path / "c")]
    (paths[2] / "timings.jsonl").unlink()
    subject = gather(paths)
    assert [arm.label for arm in subject.arms] == ["a/run", "b/run", "c"]
    assert subject.missing == ["c: timings.jsonl cannot be read: No such file or directory."]


def test_a_sweep_is_its_cells(tmp_path: Path) -> None:
    cells = [cell("t1", model__cell="gru", x__y=1), cell("t2", model__cell="lstm", x__y=1)]
    subject = gather([write_sweep(tmp_path / "s", cells, ["t1", "t2"])])
    assert (subject.title, subject.sweep) == ("A sweep", tmp_path / "s")
    assert [arm.label for arm in subject.arms] == ["gru", "lstm"]
    assert [subject.name_of(run) for run in subject.runs] == ["gru", "lstm"]


def test_cells_are_named_by_all_that_they_differ_in(tmp_path: Path) -> None:
    cells = [cell(f"t{n}", a__b=n // 2, a__c=n % 2, a__d=5) for n in range(4)]
    subject = gather([write_sweep(tmp_path / "s", cells, [f"t{n}" for n in range(4)])])
    assert [arm.label for arm in subject.arms] == ["b 0, c 0", "b 0, c 1", "b 1, c 0", "b 1, c 1"]


def test_a_section_that_a_cell_sets_is_taken_apart(tmp_path: Path) -> None:
    cells = [cell("t1", model={"cell": "elman"}), cell("t2", model={"cell": "gru", "bias": "b"})]
    subject = gather([write_sweep(tmp_path / "s", cells, ["t1", "t2"])])
    assert [arm.label for arm in subject.arms] == ["elman", "gru"]


def test_a_cell_that_has_not_run_is_missing(tmp_path: Path) -> None:
    cells = [cell("t1", a__b=1), cell("t2", a__b=2)]
    subject = gather([write_sweep(tmp_path / "s", cells, ["t1"])])
    assert len(subject.arms) == 1
    assert subject.missing == ["There is no run of b 2 yet."]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"keys": {}}]', "null"])
def test_a_sweep_whose_cells_cannot_be_read(tmp_path: Path, text: str) -> None:
    folder = write_sweep(tmp_path / "s", [], [])
    (folder / "cells.json").write_text(text)
    assert is_sweep(folder)
    with pytest.raises(NoRun, match="is not what a sweep writes"):
        gather([folder])


def test_a_name_that_is_nearly_that_of_a_run(tmp_path: Path) -> None:
    write_run(tmp_path / "adding")
    with pytest.raises(NoRun, match="addin does not exist; did you mean 'adding'"):
        gather([tmp_path / "addin"])


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NoRun, match=r"holds no run: it has none of config\.yaml, summary\.json"):
        gather([tmp_path])
    (tmp_path / "file").touch()
    with pytest.raises(NoRun, match="is a file and no run directory"):
        gather([tmp_path / "file"])


def test_a_run_is_named_once(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a")
    with pytest.raises(NoRun, match="named twice"):
        gather([run, tmp_path / "." / "a"])


def test_many_runs_beside_it_are_not_all_listed(tmp_path: Path) -> None:
    for number in range(14):
        write_run(tmp_path / f"run{number:02}")
    with pytest.raises(NoRun) as caught:
        gather([tmp_path / "run"])
    assert "known" not in str(caught.value)
    assert "did you mean" in str(caught.value)


def test_names_are_as_long_as_they_need_to_be() -> None:
    assert names_of([Path("/a/b/c"), Path("/a/d/c")]) == ["b/c", "d/c"]
