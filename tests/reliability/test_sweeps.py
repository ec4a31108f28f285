"""Workers killed in mid-sweep: every cell finishes exactly once, with the bits of a quiet sweep."""

import importlib.util
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.commands import Running, environment, experiments
from tests.reliability.conftest import Report
from tests.reliability.runs import Result, assert_same, result, sealed, write_config

SWEEP = """\
config: adding.yaml
grid:
  model.hidden_size: [4, 6]
  optimizer.learning_rate: [1e-2, 2e-3]
"""
CELLS = 4
ENGINES = ["local", "ray"]
KILLS = 4
"""A trial is begun anew three times at most."""
LOOK = 0.05
"""Seconds from one look at all processes to the next."""


def sweep(folder: Path, out: Path, engine: str = "local") -> Running:
    write_config("adding", folder)
    sheet = folder / "sweep.yaml"
    sheet.write_text(SWEEP, encoding="utf-8")
    env = environment(RAY_DISABLE_IMPORT_WARNING="1", RAY_USAGE_STATS_ENABLED="0")
    options = ("--engine", engine, "--workers", "2", "--out", out)
    return experiments("sweep", sheet, *options, env=env)


def trials(out: Path) -> list[Path]:
    """The run directories of a sweep."""
    return sorted(path for path in (out / "trials").glob("*") if path.is_dir())


def workers(out: Path) -> Iterator[tuple[Path, int]]:
    """The trials that are running, and the process of each."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
        except OSError:  # it has ended
            continue
        if words[1:4] == ["-m", "experiments", "run"] and "--resume" in words:
            run = Path(words[words.index("--out") + 1])
            if run.parent == out / "trials":
                yield run, int(path.name)


def kill_in_training(
    running: Running, worker: tuple[Path, int], out: Path, above: bool, seconds: float
) -> bool:
    """Kill a worker, or the process above it, some seconds after its next checkpoint of something
    learnt; False where it ends by itself.
    """
    run, process = worker
    known = {path.name for path in sealed(run)}

    def has_trained() -> bool:
        return any(int(path.name) and path.name not in known for path in sealed(run))

    def has_ended() -> bool:
        return worker not in workers(out)

    running.until(lambda: has_trained() or has_ended(), every=LOOK)
    time.sleep(seconds)
    if has_ended():
        return False
    os.kill(parent(process) if above else process, signal.SIGKILL)
    return running.until(has_ended, every=LOOK)


def parent(process: int) -> int:
    status = Path(f"/proc/{process}/stat").read_text("utf-8")
    return int(status.rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """The results of an undisturbed sweep, by trial."""
    folder = tmp_path_factory.mktemp("quiet")
    ended = sweep(folder, folder / "out").wait()
    assert ended.status == 0, ended.said
    found = {run.name: result(run) for run in trials(folder / "out")}
    assert len(found) == CELLS // 2
    return found


def assert_like(out: Path, quiet: dict[str, Result]) -> None:
    """Every cell has one trial and place, and every trial the result of the quiet sweep."""
    cells = json.loads((out / "cells.json").read_text("utf-8"))
    places = [(cell["trial"], tuple(v for k, v in cell.items() if k not in ("keys", "trial")))
              for cell in cells]  # fmt: skip
    assert len(set(places)) == CELLS
    assert {run.name for run in trials(out)} == quiet.keys()
    for run in trials(out):
        assert_same(run, quiet[run.name])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize("engine", ENGINES)
def test_killed_workers(
    engine: str,
    quiet: dict[str, Result],
    tmp_path: Path,
    pytestconfig: pytest.Config,
    report: Report,
) -> None:
    if importlib.util.find_spec("ray") is None and engine == "ray":
        pytest.skip("ray is not installed: pip install '.[ray]'")
    rng = random.Random(f"{pytestconfig.getoption('random_seed')} {engine}")
    out = tmp_path / "out"
    running = sweep(tmp_path, out, engine)
    killed: list[str] = []
    while len(killed) < KILLS and running.until(lambda: any(workers(out)), every=LOOK):
        found = [each for each in workers(out) if killed.count(each[0].name) < 2]
        if running.ended or not found:
            break
        worker = rng.choice(found)
        name = worker[0].name
        above = engine == "ray" and killed.count(name) == 1  # of Ray's, once the worker itself
        if kill_in_training(running, worker, out, above, rng.uniform(0.0, 0.5)):
            killed.append(name)
    ended = running.wait(600)
    assert ended.status == 0, ended.said
    assert killed
    assert_like(out, quiet)
    resumes = [json.loads((run / "summary.json").read_text("utf-8"))["resumes"]
               for run in trials(out)]  # fmt: skip
    assert any(resumes)
    report(
        f"{len(killed)} workers of {len(set(killed))} trials killed, which went on at "
        f"{[[each['step'] for each in told] for told in resumes]}"
    )


def test_a_killed_sweep_does_what_is_missing(quiet: dict[str, Result], tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = sweep(tmp_path, out)
    assert running.until(lambda: out.exists() and any(len(sealed(run)) > 1 for run in trials(out)))
    running.process.kill()
    running.wait()
    limit = time.monotonic() + 30
    while next(workers(out), None) is not None:
        assert time.monotonic() < limit, "the workers go on without their sweep"
        time.sleep(0.05)
    ended = sweep(tmp_path, out).wait(600)
    assert ended.status == 0, ended.said
    assert_like(out, quiet)
    before = {run.name: (run / "summary.json").stat().st_mtime_ns for run in trials(out)}
    ended = sweep(tmp_path, out).wait()
    assert ended.status == 0, ended.said
    assert before == {run.name: (run / "summary.json").stat().st_mtime_ns for run in trials(out)}
