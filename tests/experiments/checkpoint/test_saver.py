"""Processes that are killed or starved in mid-save: what they saved before is still there."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.checkpoint import Checkpoints
from tests.experiments.checkpoint.states import assert_same, draw, like

ROOT = Path(__file__).parents[3]


def saver(folder: Path, first: int, last: int, *limit: int) -> subprocess.Popen[str]:
    words = map(str, (folder, first, last, *limit))
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.experiments.checkpoint.saver", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_restores(folder: Path, oldest: int, newest: int) -> None:
    with Checkpoints(folder, keep=2) as checkpoints:
        found = checkpoints.restore(like(draw(0)))
        assert found is not None
        assert oldest <= found.step <= newest
        assert found.progress == {"metrics": found.step}
        assert_same(found.state, draw(found.step))
        assert all(told.endswith("its save never ended") for told in found.rejected)
        checkpoints.save(newest + 1, draw(newest + 1), {})
    assert not [path for path in folder.iterdir() if "." in path.name]


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    saved = begun = -1
    with saver(tmp_path, 0, 1000) as process:
        assert process.stdout is not None
        last = rng.randrange(1, 5)
        while begun < last:
            word, step = process.stdout.readline().split()
            saved, begun = (int(step), begun) if word == "saved" else (saved, int(step))
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines():
            word, _, step = line.partition(" ")
            saved, begun = (int(step), begun) if word == "saved" else (saved, int(step))
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert_restores(tmp_path, saved, begun)


@pytest.mark.few(1)
@pytest.mark.parametrize("limit", [200, 40, 300, 500, 1000, 1500, 2500])
def test_a_file_that_may_not_grow(tmp_path: Path, limit: int) -> None:
    with saver(tmp_path, 0, 4, limit) as process:
        output, errors = process.communicate()
    assert errors == ""
    assert output.splitlines() == [
        *("begun 0", "saved 0", "begun 1"),
        f"failed the checkpoint {tmp_path}/00000001 could not be saved: File too large",
    ]
    assert process.returncode == 1
    assert_restores(tmp_path, 0, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")
@pytest.mark.few(1)
@pytest.mark.parametrize("size", ["100k", "80k", "140k", "160k"])
def test_a_full_disk(tmp_path: Path, size: str) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        with saver(tmp_path / "run", 0, 9) as process:
            output, errors = process.communicate()
        assert errors == ""
        *lines, last = output.splitlines()
        assert last.endswith("could not be saved: No space left on device")
        assert process.returncode == 1
        subprocess.run(["mount", "-o", "remount,size=1m", str(tmp_path)], check=True)
        saved = max(int(line.split()[1]) for line in lines if line.startswith("saved"))
        assert_restores(tmp_path / "run", saved, saved + 1)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
