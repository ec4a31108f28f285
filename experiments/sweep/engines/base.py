"""What an engine promises: it runs the jobs that it is given, each in a process of its own."""

from pathlib import Path
from typing import NamedTuple, Protocol

LOST = -9
"""The exit status of a job whose worker is gone, as that of a process killed by SIGKILL."""


class Job(NamedTuple):
    """A command to run: what it prints is appended to `log`."""

    name: str
    command: tuple[str, ...]
    log: Path


class Engine(Protocol):
    """Runs jobs; all methods return at once, save `close`.

    A stop asks each job to save and end; its exit status then comes from `ended` as any other.
    """

    @property
    def workers(self) -> int:
        """How many jobs may be under way at once."""

    def begin(self, job: Job) -> None: ...

    def ended(self) -> list[tuple[Job, int]]:
        """The jobs that have ended since the last call, and their exit status.

        It is negative, that of a signal, for a job that was killed.
        """

    def stop(self) -> None: ...

    def kill(self) -> None:
        """End every job at once, with nothing saved."""

    def close(self) -> None:
        """Let go of what the engine holds; no job is under way any more."""
