"""A job as a process: its environment, its log, its session, and an interrupt."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.sweep import process
from experiments.sweep.engines import Job


def job(tmp_path: Path, code: str) -> Job:
    return Job("a", (sys.executable, "-c", code), tmp_path / "logs" / "a.log")


def test_it_has_its_environment_and_appends_to_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "kept")
    code = "import os, sys; print(os.environ['KEPT'], os.environ['NEW']); print(1, file=sys.stderr)"
    for number in ("one", "two"):
        assert process.run(job(tmp_path, code), {"NEW": number}) == 0
    assert (tmp_path / "logs" / "a.log").read_text() == "kept one\n1\nkept two\n1\n"


def test_it_is_out_of_reach_of_the_terminal(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(os.getsid(0) == os.getpid() and sys.stdin.read() == '')"
    assert process.run(job(tmp_path, code), {}) == 1


@pytest.mark.parametrize(
    "code, status", [("exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9)]
)
def test_its_exit_status(tmp_path: Path, code: str, status: int) -> None:
    assert process.run(job(tmp_path, code), {}) == status


def test_an_interrupt_asks_it_to_save_and_waits(
    make_job: Callable[..., Job], tmp_path: Path
) -> None:
    def interrupt() -> None:
        while not (tmp_path / "run-5" / "waiting").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert process.run(make_job(5), {}) == 143
    thread.join()
