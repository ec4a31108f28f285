"""The lock of a run directory: one process at a time, and none that is dead."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.checkpoint import Locked, RunLock

HOLD = """
import sys
from pathlib import Path
from experiments.checkpoint.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_by_name_and_a_dead_one_holds_nothing(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    host = socket.gethostname()
    expected = rf"^{tmp_path} is in use by process {holder.pid} on host {host} since 20\S+; wait"
    for _ in range(2):
        with pytest.raises(Locked, match=expected), RunLock(tmp_path):
            pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with RunLock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_it_is_free_after_the_context(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "new"
    for _ in range(2):
        with RunLock(run):
            with pytest.raises(Locked, match=f"process {os.getpid()} on host"), RunLock(run):
                pass
            with pytest.raises(Locked, match=f"process {os.getpid()} on host"), RunLock(run):
                pass
    assert (run / "lock").read_text() == ""


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunLock(tmp_path):
        raise KeyError
    with RunLock(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": 1, "host"', "x"])
def test_a_holder_whose_name_cannot_be_read_is_another_process(tmp_path: Path, text: str) -> None:
    with RunLock(tmp_path):
        (tmp_path / "lock").write_text(text)
        with pytest.raises(Locked, match="in use by another process; wait"), RunLock(tmp_path):
            pass
