"""A run directory: never over another, whole files only, JSON that any reader takes."""

import datetime
import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import jax
import pytest

from experiments import record
from experiments.record import RunDirectory, commit, default_path, environment


def reject(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(path: Path) -> Any:
    return json.loads(path.read_text(), parse_constant=reject)


def test_a_new_directory_holds_the_config_and_the_environment(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "deep" / "down" / "run", "title: a\n") as directory:
        assert directory.path == tmp_path / "deep" / "down" / "run"
    assert (directory.path / "config.yaml").read_text() == "title: a\n"
    assert read(directory.path / "environment.json").keys() == environment().keys()
    assert {path.name for path in directory.path.iterdir()} == {
        *("config.yaml", "environment.json", "metrics.jsonl")
    }


def test_an_empty_directory_serves(tmp_path: Path) -> None:
    with RunDirectory(tmp_path, "title: a\n"):
        assert (tmp_path / "config.yaml").exists()


def test_a_directory_with_anything_in_it_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"exists and is not an empty folder; name another"):
        RunDirectory(tmp_path, "title: a\n")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(".hidden", b"mine")]


def test_a_file_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists and is not an empty folder"):
        RunDirectory(tmp_path / "run", "title: a\n")
    with pytest.raises(OSError, match="run"):
        RunDirectory(tmp_path / "run" / "below" / "it", "title: a\n")
    assert (tmp_path / "run").read_bytes() == b"mine"


def test_lines_are_on_disk_at_once(tmp_path: Path) -> None:
    with RunDirectory(tmp_path, "") as directory:
        for number in range(3):
            directory.log({"step": number})
            lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
            assert list(map(json.loads, lines)) == [{"step": n} for n in range(number + 1)]


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    values = {"a": [math.nan, 1.5, -math.inf], "b": {"c": (math.inf, 2)}, "d": None, "e": True}
    with RunDirectory(tmp_path, "") as directory:
        directory.log(values)
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


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    record.write(path, "before")
    with pytest.raises(UnicodeEncodeError):
        record.write(path, "after \ud800")
    assert path.read_text() == "before"


def test_the_environment_tells_what_a_result_may_depend_on() -> None:
    found = environment()
    assert found["versions"].keys() == {"lstm_jax", *record.PACKAGES}
    assert found["backend"] == jax.default_backend()
    assert len(found["devices"]) == len(jax.devices())
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["command"][1:3] == ["-m", "experiments"]
    started = datetime.datetime.fromisoformat(found["started"])
    assert abs(datetime.datetime.now(datetime.UTC) - started) < datetime.timedelta(minutes=1)


def test_the_commit_is_that_of_the_checkout() -> None:
    root = Path(record.__file__).parents[1]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
    expected = head.stdout.strip() if head.returncode == 0 else None
    assert (commit() or "").removesuffix("-dirty") == (expected or "")


def test_outside_a_checkout_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() is None


def test_a_run_is_named_by_its_config_and_the_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Noon(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Noon":
            return cls(2024, 2, 29, 12, 0, 5, tzinfo=tz)

    monkeypatch.setattr(datetime, "datetime", Noon)
    monkeypatch.chdir(tmp_path)
    names = []
    for _ in range(3):
        path = default_path(Path("configs/text/pydoc.yaml"))
        names.append(str(path))
        RunDirectory(path, "").__exit__()
    first = str(Path("runs", "pydoc-20240229-120005"))
    assert names == [first, f"{first}-2", f"{first}-3"]
