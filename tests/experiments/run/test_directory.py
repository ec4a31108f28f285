"""A run directory: whole files only, JSON that any reader takes, gone on with where it was."""

import datetime
import errno
import json
import math
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experiments.run import directory
from experiments.run.directory import (
    RecordFailed,
    RunDirectory,
    Unwritten,
    default_path,
    is_free,
    latest_path,
)
from experiments.run.environment import environment
from experiments.run.logs import LogChanged

TIMING = {"seconds": 1.0}


def reject(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(path: Path) -> Any:
    return json.loads(path.read_text(), parse_constant=reject)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_directory_holds_the_config_and_the_environment(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "deep" / "down" / "run", "title: a\n") as directory:
        assert directory.path == tmp_path / "deep" / "down" / "run"
    assert (directory.path / "config.yaml").read_text() == "title: a\n"
    assert read(directory.path / "environment.json").keys() == environment().keys()
    expected = {"config.yaml", "environment.json", "metrics.jsonl", "timings.jsonl"}
    assert names(directory.path) == expected


def test_a_directory_is_free_if_a_run_could_lose_nothing_there(tmp_path: Path) -> None:
    assert is_free(tmp_path / "not there")
    assert is_free(tmp_path)
    for name in ("lock", "config.yaml.partial"):
        (tmp_path / name).write_text("")
        assert is_free(tmp_path)
    assert not is_free(tmp_path / "lock")
    (tmp_path / ".hidden").write_bytes(b"mine")
    assert not is_free(tmp_path)


def test_lines_are_on_disk_at_once(tmp_path: Path) -> None:
    with RunDirectory(tmp_path, "") as directory:
        for number in range(3):
            directory.log({"step": number}, {"step": number, "seconds": 0.1})
            lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
            assert list(map(json.loads, lines)) == [{"step": n} for n in range(number + 1)]
            assert directory.metrics == [{"step": n} for n in range(number + 1)]
            timings = (tmp_path / "timings.jsonl").read_text().splitlines()
            assert json.loads(timings[-1]) == {"step": number, "seconds": 0.1}


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    values = {"a": [math.nan, 1.5, -math.inf], "b": {"c": (math.inf, 2)}, "d": None, "e": True}
    with RunDirectory(tmp_path, "") as directory:
        directory.log(values, TIMING)
        directory.summarise(values)
    expected = {"a": [None, 1.5, None], "b": {"c": [None, 2]}, "d": None, "e": True}
    assert read(tmp_path / "summary.json") == expected
    assert read(tmp_path / "metrics.jsonl") == expected


def test_a_summary_replaces_the_one_before(tmp_path: Path) -> None:
    with RunDirectory(tmp_path, "") as directory:
        directory.summarise({"status": "running", "long": "x" * 1000})
        directory.summarise({"status": "completed"})
    assert read(tmp_path / "summary.json") == {"status": "completed"}
    assert not list(tmp_path.glob("*.partial"))


def test_a_directory_is_gone_on_with_where_its_logs_were(tmp_path: Path) -> None:
    with RunDirectory(tmp_path, "title: a\n") as directory:
        directory.log({"step": 1}, TIMING)
        positions = json.loads(json.dumps(directory.positions))
        directory.log({"step": 2}, TIMING)
        directory.summarise({"status": "completed"})
    first = (tmp_path / "environment.json").read_bytes()
    with RunDirectory(tmp_path, "title: b\n", positions) as directory:
        assert directory.metrics == [{"step": 1}]
        directory.log({"step": 3}, TIMING)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n{"step": 3}\n'
    assert (tmp_path / "config.yaml").read_text() == "title: b\n"
    assert (tmp_path / "environment.json").read_bytes() == first
    (later,) = tmp_path.glob("environment-*.json")
    assert read(later).keys() == environment().keys()


def test_no_summary_tells_that_a_longer_run_is_done(tmp_path: Path) -> None:
    """Killed when the new config is written and the new summary is not."""
    with RunDirectory(tmp_path, "max_sequences: 40\n") as directory:
        directory.summarise({"status": "completed"})
        positions = directory.positions
    with (
        mock.patch("experiments.run.directory.environment", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        RunDirectory(tmp_path, "max_sequences: 80\n", positions)
    assert (tmp_path / "config.yaml").read_text() == "max_sequences: 80\n"
    assert not (tmp_path / "summary.json").exists()


@pytest.mark.parametrize("log", directory.LOGS)
def test_a_changed_log_is_refused_and_all_is_left_as_it_was(tmp_path: Path, log: str) -> None:
    with RunDirectory(tmp_path, "title: a\n") as directory:
        directory.log({"step": 1}, TIMING)
        positions = directory.positions
        directory.summarise({"status": "interrupted"})
    (tmp_path / log).write_text('{"step": 7}\n')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(LogChanged, match=log):
        RunDirectory(tmp_path, "title: b\n", positions)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordFailed, match=r"file.*cannot be written: (Not a dir|File exists)"):
        RunDirectory(tmp_path / "file" / "run", "")
    full = OSError(errno.ENOSPC, "No space left on device")
    with RunDirectory(tmp_path / "run", "") as directory:
        sentence = f"^{directory.path} cannot be written: No space left on device$"
        for at, act in (
            ("experiments.run.directory.write", lambda: directory.summarise({})),
            ("experiments.run.logs.os.fsync", lambda: directory.positions),
            ("experiments.run.logs.as_json", lambda: directory.log({}, {})),
        ):
            with mock.patch(at, side_effect=full), pytest.raises(RecordFailed, match=sentence):
                act()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_line_that_cannot_be_written_ends_with_one_sentence(tmp_path: Path) -> None:
    """On closing the file the line is not tried once more."""
    with RunDirectory(tmp_path, "") as directory:
        for log in directory._logs.values():
            log._file.close()
            log._file = Path("/dev/full").open("wb")  # noqa: SIM115
        with pytest.raises(RecordFailed, match="No space left on device"):
            directory.log({"step": 1}, TIMING)


def test_a_process_that_writes_nothing_writes_nothing(tmp_path: Path) -> None:
    with Unwritten(tmp_path / "run", "title: a\n", None) as directory:
        directory.log({"step": 1}, TIMING)
        directory.summarise({"status": "completed"})
        assert (directory.metrics, directory.positions) == ([], {})
    assert not (tmp_path / "run").exists()


def test_a_run_is_named_by_its_config_and_the_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Noon(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Noon":
            return cls(2024, 2, 29, 12, 0, 5, tzinfo=tz)

    monkeypatch.setattr(datetime, "datetime", Noon)
    monkeypatch.chdir(tmp_path)
    found = []
    for _ in range(3):
        path = default_path(Path("configs/text/pydoc.yaml"))
        found.append(str(path))
        path.mkdir(parents=True)
    first = str(Path("runs", "pydoc-20240229-120005"))
    assert found == [first, f"{first}-2", f"{first}-3"]


def test_the_latest_run_of_a_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert latest_path(Path("configs/adding.yaml")) is None
    for name in (
        "adding-20240229-120005",
        "adding-20240229-120005-2",
        "adding-20240229-120005-10",
        "adding-20240228-235959",
        "adding-short-20250101-000000",
        "adding-mine",
        "copying-20250101-000000",
    ):
        path = tmp_path / "runs" / name
        path.mkdir(parents=True)
        (path / "config.yaml").write_text("")
    (tmp_path / "runs" / "adding-20250101-000000").mkdir()  # killed before anything was written
    (tmp_path / "runs" / "adding.txt").write_text("mine")
    expected = Path("runs", "adding-20240229-120005-10")
    assert latest_path(Path("configs/adding.yaml")) == expected
    assert latest_path(Path("adding-short.yaml")) == Path("runs", "adding-short-20250101-000000")
    assert latest_path(Path("add.yaml")) is None
