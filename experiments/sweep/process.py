"""A job as a process on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from experiments.sweep.engines.base import Job

POLL = 0.2
"""Seconds between looks at a process."""


def start(job: Job, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Begin a job with more in its environment.

    It is a session of its own, so that Ctrl-C in the terminal reaches the sweep alone, which then
    asks each job to save once; and it is asked to end when this process is gone.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    launch = (sys.executable, "-m", "experiments.sweep.launch", str(os.getpid()))
    with job.log.open("ab") as log:
        return subprocess.Popen(
            [*launch, *job.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def run(job: Job, environment: Mapping[str, str]) -> int:
    """Run a job to its end, as `wait`."""
    return wait(start(job, environment))


def wait(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process at its end; an interrupt asks it to save and end.

    For the main thread: an exception could come between any two operations, a handler cannot.
    """
    before = signal.signal(signal.SIGINT, lambda *_: process.send_signal(signal.SIGTERM))
    try:
        while process.poll() is None:
            time.sleep(POLL)
    finally:
        signal.signal(signal.SIGINT, before)
    return process.returncode


def could_not_run(job: Job, error: Exception) -> int:
    """The exit status of a job whose worker cannot run it at all; why ends its log."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("a", encoding="utf-8") as log:
        log.write(f"{error}\n")
    return 1
