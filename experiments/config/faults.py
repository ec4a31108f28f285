"""What is wrong with a config, said so that it can be put right without reading code."""

import dataclasses
import re
from collections.abc import Iterable

from experiments.config.scalars import shown

Loc = tuple[str | int, ...]
"""Where a value stands in the tree: keys and places in lists, from the top."""

COMMAND_LINE = "command line"
MAX_SHOWN = 100
"""Faults of one config that are shown; a file that is no config may have thousands."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a value was written: a line of a file, or an argument of the command line."""

    file: str
    line: int | None = None
    argument: str | None = None

    def on(self, line: int) -> "Origin":
        """The same file at another line; an argument has no lines."""
        return self if self.argument is not None else dataclasses.replace(self, line=line)

    def __str__(self) -> str:
        if self.argument is not None:
            return f"{self.file} {shown(self.argument)}"
        file = self.file if self.file.isprintable() else repr(self.file)
        return file if self.line is None else f"{file}:{self.line}"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it was written, which value it concerns, and why.

    >>> print(Fault(Origin("a.yaml", 7), "model.layers", "must be at least 1, got -3"))
    a.yaml:7: model.layers: must be at least 1, got -3
    """

    origin: Origin
    path: str
    message: str

    @property
    def file(self) -> str:
        """The config, or "command line"."""
        return self.origin.file

    @property
    def line(self) -> int | None:
        """Counted from 1; None for an argument and for a file that could not be read."""
        return self.origin.line

    def __str__(self) -> str:
        return ": ".join(filter(None, (str(self.origin), self.path, self.message)))


class ConfigError(Exception):
    """A config that cannot be used, with all that is wrong with it.

    The file's faults come in the order of its lines, then those of the command line.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(
            sorted(faults, key=lambda fault: (fault.origin.argument is not None, fault.line or 0))
        )
        super().__init__(self.faults)

    def __str__(self) -> str:
        left_out = len(self.faults) - MAX_SHOWN
        rest = [f"and {left_out} more faults"] if left_out > 0 else []
        return "\n".join([*map(str, self.faults[:MAX_SHOWN]), *rest])


def dotted(loc: Loc) -> str:
    """A location as people write it.

    >>> dotted(("train", "seeds", 2))
    'train.seeds[2]'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in loc)
    return "".join(parts).removeprefix(".")


def _key(text: str) -> str:
    return text if re.fullmatch(r"[\w\[\]-]{1,60}", text) else shown(text)
