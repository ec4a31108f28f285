"""What a run leaves behind, and how tests bring one to an end."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.run.session import Session


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def lasting(folder: Path) -> dict[str, Any]:
    """What a summary says but for what an interruption may change."""
    return {k: v for k, v in summary(folder).items() if k not in ("times", "resumes")}


def metrics(folder: Path) -> list[dict[str, Any]]:
    return list(map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()))


def raising(step: int, error: BaseException | type[BaseException]) -> Callable[[Session], None]:
    """Raises an exception before a step."""

    def at_call(session: Session) -> None:
        if session.step == step:
            raise error

    return at_call


def signalling(number: int, *steps: int) -> Callable[[Session], None]:
    """Sends this process a signal before each of some steps."""

    def at_call(session: Session) -> None:
        if session.step in steps:
            signal.raise_signal(number)

    return at_call
