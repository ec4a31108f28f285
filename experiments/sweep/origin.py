"""Where the figures of many programs come from: what these noted when they began."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from experiments.sweep.folder import SweepFolder
from experiments.words import duration, plural

DIGITS = 9
"""Of a commit."""


def origin(seconds: Mapping[str, float], folder: SweepFolder, command: str) -> tuple[str, str]:
    """Two sentences: the time of all programs and their hardware; command, commit and versions.

    `seconds` are those of each program, by the name of its trial. Programs of several starts may
    differ; then all that there were are told.
    """
    found = [each for trial in seconds if (each := _environment(folder, trial))]
    time = f"{plural(len(seconds), 'program')}, {duration(sum(seconds.values()))} of wall time"
    places = _distinct(map(_hardware, found))
    commits = _distinct(short(each.get("commit")) for each in found)
    pythons = _distinct(f"Python {each['python']}" for each in found)
    versions = _distinct(f"jax {each['versions']['jax']}" for each in found)
    of = [f"commit {commits}" if commits else "", pythons, versions]
    return (
        f"{time} in sum{f', {places}' if places else ''}.",
        f"{'; '.join(filter(None, [f'`{command}`', ', '.join(filter(None, of))]))}.",
    )


def short(commit: str | None) -> str:
    """A commit in few digits, and whether files differed from it; empty outside a checkout.

    >>> short("07a6b12716da62ad33263b87797d0d954f85f4c1-dirty")
    '07a6b1271 + changes'
    """
    name, dirty, _ = (commit or "").partition("-dirty")
    return name[:DIGITS] + (" + changes" if dirty else "")


def _hardware(found: dict[str, Any]) -> str:
    """What a program ran on."""
    devices = plural(len(found["devices"]), f"{found['backend']} device")
    of = f" of {found['cpu']}" if found.get("cpu") else ""
    kind = f" ({found['device_kind']})" if found["backend"] != "cpu" else ""
    return f"each on {devices}{kind} of a machine with {plural(found['cores'], 'core')}{of}"


def _distinct(words: Iterable[str]) -> str:
    return " and ".join(filter(None, dict.fromkeys(words)))


def _environment(folder: SweepFolder, trial: str) -> dict[str, Any] | None:
    try:
        found = json.loads((folder.run(trial) / "environment.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
