"""The lock of a run directory: two processes that write to one would ruin each other's records.

`flock` belongs to the open file, so the kernel frees it however the process ends.
"""

import datetime
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import TextIO


class Locked(Exception):
    """A run directory that another process is writing to, in one sentence."""


class RunLock:
    """Holds `lock` in a run directory, which is made if need be, while the context lasts.

    The file stays, empty, as removing it would let a third process lock another file of that name.
    """

    def __init__(self, run: Path) -> None:
        self._run = run

    def __enter__(self) -> "RunLock":
        """Take the lock, or raise Locked at once, naming the process that has it."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._file = (self._run / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(self._file)
            self._file.close()
            raise Locked(
                f"{self._run} is in use by {owner}; wait for it to end, or name another directory "
                "with --out"
            ) from None
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "started": now}))
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


def _owner(file: TextIO) -> str:
    file.seek(0)
    try:
        owner = json.loads(file.read())
        return f"process {owner['pid']} on host {owner['host']} since {owner['started']}"
    except (KeyError, TypeError, ValueError):
        return "another process"
