"""Processes of one run side by side on this machine, for tests."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Ended(NamedTuple):
    """A process that is over: its status, and what it said."""

    status: int
    out: str
    err: str


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def started(*arguments: str | Path, devices: int) -> "subprocess.Popen[str]":
    """Python with these arguments and so many CPU devices, XLA without its optimisations."""
    surroundings = {
        "JAX_NUM_CPU_DEVICES": str(devices),
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*processes: "subprocess.Popen[str]") -> list[Ended]:
    """What became of processes; none outlives the test."""
    found = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=120)
            found.append(Ended(process.returncode, out, err))
    finally:
        for process in processes:
            process.kill()
    return found
