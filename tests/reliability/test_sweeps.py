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
    while len(killed) < KILLS and running.until(lambda: next(workers(out), None) is not None):
        if running.ended:
            break
        time.sleep(rng.uniform(0.5, 3.0))
        for run, process in workers(out):
            if killed.count(run.name) < 2:
                # of Ray's, once the run and once the worker above it
                above = engine == "ray" and killed.count(run.name) == 1
                os.kill(parent(process) if above else process, signal.SIGKILL)
                killed.append(run.name)
                break
    ended = running.wait(600)
    assert ended.status == 0, ended.said
    assert killed
    assert_like(out, quiet)
    resumes = [json.loads((run / "summary.json").read_text("utf-8"))["resumes"]
               for run in trials(out)]  # fmt: skip
    report(f"{len(killed)} workers of {len(set(killed))} trials killed, resumed {resumes}")


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
