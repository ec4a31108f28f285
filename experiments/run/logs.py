"""Files of JSON lines that know how much of them a checkpoint stands for."""

import contextlib
import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any


class LogChanged(Exception):
    """A file that does not hold what its run had written, in one sentence."""


class Log:
    """A file of JSON lines, and where it ends: so many bytes, of this SHA-256."""

    def __init__(self, path: Path, position: dict[str, Any] | None = None) -> None:
        """Begin the file anew, or go on at a position of an earlier one, when it is entered.

        Raises LogChanged if the file does not hold what it did at that position.
        """
        self._path, held = path, b""
        if position is not None and path.exists():
            with path.open("rb") as file:
                held = file.read(position["bytes"])
        self._digest, self._size = hashlib.sha256(held), len(held)
        if position is not None and self.position != position:
            raise LogChanged(f"{path} is not what it was when its run was saved")

    def __enter__(self) -> "Log":
        self._file = self._path.open("ab")
        self._file.truncate(self._size)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # of a line that `write` could not write
            self._file.close()

    @property
    def position(self) -> dict[str, Any]:
        """Where the file ends."""
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}

    def write(self, content: dict[str, Any]) -> None:
        """Append a line, which other processes see at once."""
        line = (as_json(content) + "\n").encode()
        self._file.write(line)
        self._file.flush()
        self._digest.update(line)
        self._size += len(line)

    def sync(self) -> None:
        """Return when all lines are on disk."""
        os.fsync(self._file.fileno())


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON as the standard has it: a number that is not finite becomes null.

    >>> as_json({"loss": [0.5, math.nan]})
    '{"loss": [0.5, null]}'
    """

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [finite(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(finite(value), indent=indent, allow_nan=False)
