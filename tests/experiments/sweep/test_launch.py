"""A command that ends with the process that started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAUNCH = (sys.executable, "-m", "experiments.sweep.launch")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")


def test_it_becomes_the_command() -> None:
    command = [*LAUNCH, str(os.getpid()), sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate()
    assert (process.returncode, int(out)) == (0, process.pid)


def test_it_does_not_begin_for_a_parent_that_is_gone() -> None:
    done = subprocess.run([*LAUNCH, "1", sys.executable, "-c", "print(1)"], capture_output=True)
    assert (done.returncode, done.stdout) == (143, b"")


@on_linux
def test_it_is_asked_to_end_when_its_parent_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "said"
    child = (
        "import signal, sys, time\n"
        f"def end(*_): open({str(file)!r}, 'a').write('asked'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(file)!r}, 'w').write('begun, ')\n"
        "time.sleep(60)"
    )
    parent = (
        "import os, subprocess, sys\n"
        f"subprocess.run([*{LAUNCH!r}, str(os.getpid()), sys.executable, '-c', {child!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        wait_for(file, "begun, ")
        process.kill()
    wait_for(file, "begun, asked")


def wait_for(file: Path, text: str) -> None:
    until = time.monotonic() + 30
    while not (file.exists() and file.read_text() == text):
        assert time.monotonic() < until, file.read_text() if file.exists() else "not begun"
        time.sleep(0.02)
