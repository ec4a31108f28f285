"""What the tests of every engine wait for."""

import time
from pathlib import Path

from experiments.sweep.engines import Engine

LIMIT = 120
"""Seconds."""


def ended(engine: Engine, count: int = 1) -> dict[str, int]:
    """The statuses of the next jobs that end, by name."""
    found: dict[str, int] = {}
    until = time.monotonic() + LIMIT
    while len(found) < count:
        assert time.monotonic() < until, found
        found |= {job.name: status for job, status in engine.ended()}
        time.sleep(0.02)
    return found


def wait_for(path: Path) -> None:
    """Until a file is there."""
    until = time.monotonic() + LIMIT
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
