"""A run directory is read as far as it can be, and what is missing is said."""

import json
from pathlib import Path

import pytest

from experiments.report.reading import FILES, Run, is_run, numbers, read_run
from tests.experiments.report.fabricated import write_run


def test_a_whole_run_lacks_nothing(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a"))
    assert run.missing == []
    assert run.experiment is not None
    assert run.experiment.train.seeds == 2
    assert (run.title, run.status, len(run.lines)) == ("A run", "completed", 10)
    assert run.environments[0]["commit"] == "0123abc"


@pytest.mark.parametrize("name", ["config.yaml", "summary.json", "metrics.jsonl", "timings.jsonl"])
def test_a_file_that_is_missing_costs_its_own_part_alone(tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path / "a")
    (folder / name).unlink()
    run = read_run(folder)
    (sentence,) = run.missing
    assert sentence.startswith(f"{name} cannot be read")
    there = {
        "config.yaml": run.experiment,
        "summary.json": run.summary,
        "metrics.jsonl": run.lines,
        "timings.jsonl": run.timings,
    }
    assert {name for name, found in there.items() if not found} == {name}


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '"\x00"'])
@pytest.mark.parametrize("name", [*FILES, "timings.jsonl", "environment.json"])
def test_whatever_a_file_holds_it_is_no_crash(tmp_path: Path, name: str, text: str) -> None:
    folder = write_run(tmp_path / "a")
    (folder / name).write_text(text)
    run = read_run(folder)
    assert any(name in sentence or "environment" in sentence for sentence in run.missing)


def test_values_of_another_type_are_left_out_and_named(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", chance="high", solved=["yes"], members=None))
    assert run.missing == [
        "summary.json lacks members, solved, chance, as this version writes them."
    ]
    assert run.summary["threshold"] == 0.01


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 110, "sequ')
    run = read_run(folder)
    assert len(run.lines) == 10
    assert run.missing == ["1 of the 11 lines of metrics.jsonl cannot be read."]


def test_a_config_of_another_version_is_kept_as_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    (folder / "config.yaml").write_text("title: old\nmodel: {cell: lstm, hidden_sise: 3}\n")
    run = read_run(folder)
    assert run.experiment is None
    assert run.config is not None
    assert "hidden_sise" in run.config
    assert run.missing[0].startswith("config.yaml is none of this version")
    assert run.title == "A run"


def test_environments_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    first = json.loads((folder / "environment.json").read_text())
    later = json.dumps(first | {"started": "2027-01-01", "commit": "later"})
    (folder / "environment-20270101-000000.json").write_text(later)
    assert [each["commit"] for each in read_run(folder).environments] == ["0123abc", "later"]


def test_a_run_without_a_title_is_called_as_its_folder(tmp_path: Path) -> None:
    run = Run(tmp_path / "a", None, None, {}, [], [], [], [])
    assert run.title == "a"
    assert run.status is None


def test_what_is_a_run(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    assert not is_run(tmp_path / "none")
    (tmp_path / "metrics.jsonl").touch()
    assert is_run(tmp_path)


def test_what_a_line_may_tell_is_there_or_not() -> None:
    assert numbers({"test_error": [0.5, None, 1]}, "test_error") == [0.5, None, 1]
    assert numbers({"test_error": "low"}, "test_error") is None
    assert numbers({}, "test_error") is None
