"""What a run directory holds, whoever left it there and however it ended.

Nothing is written and nothing is taken on trust: a file that is missing, damaged or not what a run
writes costs its own part of the report and leaves a sentence in `Run.missing`.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from experiments.config import ConfigError, Experiment, load

FILES = ("config.yaml", "summary.json", "metrics.jsonl")
"""A directory with none of them is no run."""

Numbers = list[float | None]
SUMMARY: dict[str, Any] = {
    "status": str,
    "step": int,
    "title": str,
    "members": list[str],
    "variants": list[dict[str, Any]],
    "solved": list[bool],
    "sequences_to_solve": list[int | None],
    "sequences_seen": list[int],
    "sequences_before": list[int],
    "failed": list[dict[str, Any] | None],
    "final": dict[str, Numbers | None],
    "times": dict[str, float | None],
    "error": str,
    "chance": float,
    "threshold": float | None,
    "parameters": int,
    "devices": dict[str, int],
    "resumes": list[dict[str, Any]],
}
"""What a summary says, and of which type."""
LINE: dict[str, Any] = {"step": int, "sequences": int, "error": Numbers}
"""What a line of metrics has to say; it may tell more."""
TIMING: dict[str, Any] = {"step": int, "seconds": float, "sequences_per_second": float}
ENVIRONMENT: dict[str, Any] = {
    "command": list[str],
    "started": str,
    "python": str,
    "versions": dict[str, str],
    "platform": str,
    "cores": int,
    "backend": str,
    "devices": list[str],
    "commit": str | None,
}


class Run(NamedTuple):
    """A run directory, as far as it can be read."""

    path: Path
    experiment: Experiment | None
    config: str | None
    """The text of `config.yaml`, whether it can be understood or not."""
    summary: Mapping[str, Any]
    """Keys of `SUMMARY`, those that are there and of their type."""
    lines: list[dict[str, Any]]
    timings: list[dict[str, Any]]
    environments: list[dict[str, Any]]
    """Of the start and of each resumption, in order."""
    missing: list[str]
    """A sentence for whatever cannot be shown, and why."""

    @property
    def title(self) -> str:
        """What the run is called."""
        given = self.experiment.title if self.experiment else self.summary.get("title")
        return given or self.path.resolve().name

    @property
    def status(self) -> str | None:
        """What the summary says became of the run; None where there is none."""
        return self.summary.get("status")


def is_run(path: Path) -> bool:
    """Whether a directory holds anything that a run leaves behind."""
    return any((path / name).is_file() for name in FILES)


def read_run(path: Path) -> Run:
    """All that can be read of a run directory."""
    missing: list[str] = []
    experiment, text = _config(path / "config.yaml", missing)
    found = _object(path / "summary.json", missing)
    summary = _fields(found, SUMMARY, "summary.json", missing) if found is not None else {}
    lines = _lines(path / "metrics.jsonl", LINE, missing)
    timings = _lines(path / "timings.jsonl", TIMING, missing)
    environments = []
    for each in sorted(path.glob("environment*.json")):
        content = _object(each, missing)
        if content is not None:
            environments.append(_fields(content, ENVIRONMENT, each.name, missing))
    if not environments:
        missing.append("There is no environment.json, which says with what the run was made.")
    environments.sort(key=lambda each: each.get("started", ""))
    return Run(path, experiment, text, summary, lines, timings, environments, missing)


def _config(path: Path, missing: list[str]) -> tuple[Experiment | None, str | None]:
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError as error:
        missing.append(f"{path.name} cannot be read ({error.strerror}), so there is no model.")
        return None, None
    try:
        return load(path), text
    except ConfigError as error:
        first, *more = str(error).splitlines()
        others = f" and {len(more)} more" if more else ""
        missing.append(
            f"{path.name} is none of this version, so there is no model to look into: "
            f"{first}{others}."
        )
        return None, text


def _object(path: Path, missing: list[str]) -> dict[str, Any] | None:
    """The object that a JSON file holds."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        missing.append(f"{path.name} cannot be read: {error.strerror}.")
        return None
    except (ValueError, RecursionError):
        missing.append(f"{path.name} is no JSON.")
        return None
    if not isinstance(content, dict):
        missing.append(f"{path.name} is not what a run writes.")
        return None
    return content


def _fields(
    content: dict[str, Any], types: dict[str, Any], name: str, missing: list[str]
) -> dict[str, Any]:
    """The keys that are there and of their type; one sentence for all the others."""
    there = {key: kind for key, kind in types.items() if key in content}
    found = {key: content[key] for key, kind in there.items() if _is(content[key], kind)}
    if lost := [key for key in types if key not in found]:
        missing.append(f"{name} lacks {', '.join(lost)}, as this version writes them.")
    return found


def _lines(path: Path, types: dict[str, Any], missing: list[str]) -> list[dict[str, Any]]:
    """The lines of a log that are whole and of one shape."""
    try:
        texts = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        missing.append(f"{path.name} cannot be read: {error.strerror}.")
        return []
    found = []
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and all(_is(line.get(key), of) for key, of in types.items()):
            found.append(line)
    if len(found) < len(texts):
        bad = len(texts) - len(found)
        missing.append(f"{bad} of the {len(texts)} lines of {path.name} cannot be read.")
    elif not texts:
        missing.append(f"{path.name} is empty: the run ended before its first line.")
    return found


def numbers(line: Mapping[str, Any], key: str) -> Numbers | None:
    """What a line of metrics may tell of every member beside what each line has to."""
    return line[key] if _is(line.get(key), Numbers) else None


def _is(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a type, strictly but for integers among numbers."""
    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Made once for a type: making one takes far longer than a check."""
    return TypeAdapter(kind)
