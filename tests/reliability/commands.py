"""The command line in a process of its own, as a shell would start it: on all cores, compiled as
for users, with compiled programs kept for all proofs of one call of pytest.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

LIMIT = 300.0
"""Seconds that a command may take before it counts as hanging."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """A command that has ended; a negative status is that of a signal."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr


@dataclasses.dataclass(frozen=True)
class Running:
    """A command that goes on."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]
    began: float

    def wait(self, seconds: float = LIMIT) -> Ended:
        """Until it has ended; subprocess.TimeoutExpired, after killing it, if it does not."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        texts = (Path(self.folder.name, name).read_text("utf-8", "replace") for name in OUTPUTS)
        ended = Ended(status, *texts)
        self.folder.cleanup()
        return ended

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def until(
        self, holds: Callable[[], bool], seconds: float = LIMIT, every: float = 0.001
    ) -> bool:
        """Wait until something holds or the command ends; whether it holds."""
        limit = time.monotonic() + seconds
        while not holds():
            if self.ended:
                return holds()
            assert time.monotonic() < limit, f"not within {seconds} s"
            time.sleep(every)
        return True


OUTPUTS = ("stdout", "stderr")


def environment(**more: str) -> dict[str, str]:
    """That of a user's shell: without what `tests/conftest.py` sets to compile quickly."""
    kept = {key: value for key, value in os.environ.items() if key not in ("XLA_FLAGS", "COLUMNS")}
    return kept | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)} | more


def experiments(
    *arguments: str | Path,
    cwd: Path = ROOT,
    prefix: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    module: str = "experiments",
) -> Running:
    """Start `python -m experiments ARGUMENTS`; `prefix` is a command that runs it."""
    folder = tempfile.TemporaryDirectory(prefix="lstm_jax-output-")
    out, err = (Path(folder.name, name) for name in OUTPUTS)
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module, *map(str, arguments)],
            cwd=cwd,
            env=environment() if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    return Running(process, folder, time.monotonic())
