"""`sweep` as a whole, its trials played by a stand-in: what it runs, leaves, says and returns."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.sweep import engines

WriteSheet = Callable[..., Path]

ALL_WELL = "title: Sizes\ngrid: {model.hidden_size: [2, 8], optimizer.learning_rate: [0.1, 0.2]}"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def sweep(sheet: Path, out: Path, *options: str) -> int:
    return main(["sweep", str(sheet), "--out", str(out), *options])


def attempts(out: Path) -> list[int]:
    """How often each trial was begun."""
    return sorted(len(path.read_text().split()) for path in out.glob("trials/*/checkpoint"))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "table.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("stand_in")
def test_every_cell_has_its_row(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(write_sheet(ALL_WELL), out) == 0
    found = [
        (row["model.hidden_size"], row["optimizer.learning_rate"], row["sequences_median"])
        for row in rows(out)
    ]
    assert found == [
        ("2", "0.1", "100"),
        ("8", "0.1", "100"),
        ("2", "0.2", "300"),
        ("8", "0.2", "300"),
    ]
    assert attempts(out) == [1, 1]
    assert (out / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert (
        (out / "table.md").read_text().startswith("#### Sizes\n\n| hidden_size | learning_rate |")
    )
    said = capsys.readouterr().out
    assert said.startswith("Sizes: 4 cells, 0 done; 2 trials to run, ")
    assert "1/2 (9–91%)  300 [300, 300]" in said
    assert said.endswith(f"picture: {out / 'sweep.png'}\n")


@pytest.mark.usefixtures("stand_in")
def test_started_again_it_does_only_what_is_missing(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = write_sheet(ALL_WELL)
    sweep(sheet, out)
    table = (out / "table.csv").read_text()
    (out / "table.csv").unlink()
    capsys.readouterr()
    assert sweep(sheet, out) == 0
    assert attempts(out) == [1, 1]
    assert (out / "table.csv").read_text() == table
    assert capsys.readouterr().out.startswith("Sizes: 4 cells, 4 done; 0 trials to run")
    assert sweep(out / "sweep.yaml", out) == 0  # what it left behind is the same sweep
    assert attempts(out) == [1, 1]


@pytest.mark.usefixtures("stand_in")
def test_with_more_cells_those_that_are_done_are_kept(write_sheet: WriteSheet, out: Path) -> None:
    sweep(write_sheet("grid: {optimizer.learning_rate: [0.1, 0.2]}"), out)
    assert sweep(write_sheet("grid: {optimizer.learning_rate: [0.3, 0.2, 0.1, 0.4]}"), out) == 0
    assert attempts(out) == [1, 1]
    found = [(row["optimizer.learning_rate"], row["variant"]) for row in rows(out)]
    assert sorted(found) == [("0.1", "0"), ("0.2", "1"), ("0.3", "0"), ("0.4", "1")]


@pytest.mark.usefixtures("stand_in")
def test_killed_trials_go_on_failed_ones_are_named_and_others_are_done(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(write_sheet("grid: {model.hidden_size: [2, 3, 4, 6, 7]}"), out) == 1
    status = {row["model.hidden_size"]: row["status"] for row in rows(out)}
    assert status == {
        "2": "completed", "3": "completed", "4": "missing", "6": "diverged", "7": "missing"
    }  # fmt: skip
    assert attempts(out) == [1, 1, 1, 2, 4]
    cells = json.loads((out / "cells.json").read_text())
    name = {cell["keys"]["model.hidden_size"]: cell["trial"] for cell in cells}
    faults = capsys.readouterr().err.splitlines()
    assert sorted(faults) == sorted(
        [
            f"trial {name[4]} ended with exit status 1: no space left on device "
            f"({out / 'logs' / name[4]}.log)",
            f"trial {name[7]} was killed 4 times: attempt 4 of 7 ({out / 'logs' / name[7]}.log)",
        ]
    )
    sweep(out / "sweep.yaml", out)  # those without a result are tried again, the others not
    assert attempts(out) == [1, 1, 2, 2, 8]


@pytest.mark.usefixtures("stand_in")
def test_a_sweep_without_a_result_has_no_picture(write_sheet: WriteSheet, out: Path) -> None:
    assert sweep(write_sheet("grid: {model.hidden_size: [4]}"), out) == 1
    assert not (out / "sweep.png").exists()
    assert len(rows(out)) == 1


def test_the_directory_is_named_by_the_sweep(
    write_sheet: WriteSheet, stand_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = write_sheet("grid: {model.hidden_size: [2]}")
    monkeypatch.setenv("PYTHONPATH", str(Path(engines.__file__).parents[3]))
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(sheet)]) == 0
    assert (tmp_path / "runs" / "sweeps" / "sweep" / "table.md").exists()


@pytest.mark.parametrize(
    "options, complaint",
    [
        (["--engine", "lokal"], "unknown engine 'lokal'; did you mean 'local'? "
         "known: local, ray, slurm"),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--engine", "ray"], "--engine ray needs ray, which is not installed: "
         "pip install 'lstm_jax[ray]'"),
        (["--engine", "slurm"], "--engine slurm needs submitit, which is not installed: "
         "pip install 'lstm_jax[slurm]'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_written(
    write_sheet: WriteSheet,
    out: Path,
    options: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    assert sweep(write_sheet(ALL_WELL), out, *options) == 2
    assert capsys.readouterr().err == f"{complaint}\n"
    assert not out.exists()


def test_faults_of_any_cell_are_told_before_anything_is_written(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(write_sheet("grid: {model.hidden_size: [2, 0], train.seeds: [1, -1]}"), out) == 2
    assert [line.partition("sweep.yaml:")[2] for line in capsys.readouterr().err.splitlines()] == [
        "2: train.seeds: must be at least 1, got -1",
        "2: model.hidden_size: must be at least 1, got 0",
    ]
    assert not out.exists()


def test_settings_of_a_cell_that_contradict_one_another_are_told_before_anything_is_written(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(write_sheet("grid: {optimizer.warmup_steps: [0, 99999, 88888]}"), out) == 2
    first, second = capsys.readouterr().err.splitlines()
    told = "the cell {optimizer.warmup_steps: 99999} cannot be trained: warmup_steps=99999 must be "
    assert first.startswith(told)
    assert "88888" in second
    assert not out.exists()


def test_a_directory_of_something_else_is_refused(
    write_sheet: WriteSheet, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.mkdir()
    (out / "thesis.tex").touch()
    assert sweep(write_sheet(ALL_WELL), out) == 2
    assert capsys.readouterr().err == f"{out} holds no sweep; name another directory with --out\n"
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


IN_ANOTHER_PROCESS = """
import sys
sys.path[:0] = {paths!r}
from experiments.sweep import work
from tests.experiments.sweep.conftest import played
work._command = lambda folder, trial: played(folder.config(trial), folder.run(trial))
from experiments.__main__ import main
sys.exit(main({arguments!r}))
"""


@pytest.fixture
def under_way(write_sheet: WriteSheet, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A sweep of which one trial is done and another waits to be asked to end."""
    sheet = write_sheet("grid: {model.hidden_size: [2, 5, 8]}")
    root = str(Path(engines.__file__).parents[3])
    arguments = ["sweep", str(sheet), "--out", str(out), "--workers", "1"]
    script = IN_ANOTHER_PROCESS.format(paths=[root], arguments=arguments)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root,
    ) as process:  # fmt: skip
        until = time.monotonic() + 60
        while not list(out.glob("trials/*/waiting")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield process
        process.kill()


def trial_under_way(out: Path) -> int:
    (waiting,) = out.glob("trials/*/waiting")
    return int((waiting.parent / "checkpoint").read_text().split()[0])


def assert_gone(process: int) -> None:
    until = time.monotonic() + 30
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.few(1)
@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_trials_save_and_the_same_command_goes_on(
    under_way: subprocess.Popen[str], write_sheet: WriteSheet, out: Path, number: int, status: int
) -> None:
    trial = trial_under_way(out)
    under_way.send_signal(number)
    said, faults = under_way.communicate(timeout=60)
    assert (under_way.returncode, faults) == (status, "")
    assert said.splitlines()[-1] == (
        "stopped: 1 of 3 trials done, and the others saved; the same command goes on: python -m "
        f"experiments sweep {out.parent / 'sweep.yaml'} --workers 1 --out {out}"
    )
    assert_gone(trial)
    assert attempts(out) == [1, 1]
    assert sweep(out.parent / "sweep.yaml", out) == 0
    assert attempts(out) == [1, 1, 2]
    assert {row["status"] for row in rows(out)} == {"completed"}


@pytest.mark.usefixtures("stand_in")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere trials go on by themselves")
def test_a_sweep_that_is_killed_takes_its_trials_along_and_goes_on(
    under_way: subprocess.Popen[str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = trial_under_way(out)
    assert sweep(out.parent / "sweep.yaml", out) == 2
    assert f"{out} is in use by process {under_way.pid} on host " in capsys.readouterr().err
    under_way.kill()
    assert_gone(trial)
    assert sweep(out.parent / "sweep.yaml", out) == 0
    assert attempts(out) == [1, 1, 2]


@pytest.mark.usefixtures("stand_in")
def test_a_trial_killed_from_outside_is_begun_again(
    under_way: subprocess.Popen[str], out: Path
) -> None:
    os.kill(trial_under_way(out), signal.SIGKILL)
    said, _ = under_way.communicate(timeout=60)
    assert under_way.returncode == 0
    assert "1 retry" in said
    assert attempts(out) == [1, 1, 2]
