"""What a run may go on with: the same config, but for keys that change nothing already learnt."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.config import Experiment, load
from experiments.config.writer import lists, plain

SNAPSHOTS = "train.log_every"
FREE = ("title", "output.", "diagnose.", "published.", SNAPSHOTS)
"""Keys, and sections, that may change at will; but where bad steps roll back to the last line of
metrics, not how often there is one.
"""
LONGER = "train.max_sequences"
"""What may grow, where the learning rate does not depend on it."""


class NotResumed(Exception):
    """A run that cannot go on, in one sentence."""


def check_unchanged(run: Path, now: Experiment) -> None:
    """Hold that a run can go on with a config; NotResumed with the keys in which it cannot."""
    if not (run / "config.yaml").exists():
        raise NotResumed(f"{run} holds no run that could go on: it has no config.yaml")
    before = load(run / "config.yaml")
    wrong = list(_changes(before, now))
    if wrong:
        raise NotResumed(
            f"{run} cannot go on with another config: {'; '.join(wrong)}; "
            "name another directory with --out to begin anew"
        )


def is_longer(run: Path, now: Experiment) -> bool:
    """Whether the config asks for more training than the run was to have."""
    return now.train.max_sequences > load(run / "config.yaml").train.max_sequences


def identity(experiment: Experiment) -> str:
    """The SHA-256 of all that may not change, by which a checkpoint is known to be of this run."""
    fixed = {k: v for k, v in _fixed(experiment).items() if k != LONGER}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def _changes(before: Experiment, now: Experiment) -> Iterator[str]:
    old, new = _fixed(before), _fixed(now)
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) == new.get(key):
            continue
        change = f"{key} was {old.get(key, 'absent')} and is {new.get(key, 'absent')}"
        if key != LONGER:
            yield change
        elif now.optimizer.schedule != "constant":
            yield f"{change}, on which a {now.optimizer.schedule} schedule depends"
        elif new[key] < old[key]:
            yield f"{change}, and may only grow"
        elif now.train.on_nonfinite == "rollback" and before.train.max_steps % now.train.log_every:
            yield f"{change}, which moves the snapshots that bad steps roll back to"


def _fixed(experiment: Experiment) -> dict[str, Any]:
    """What an experiment sets, by dotted key, but for what may change at will."""
    content = plain(experiment) | lists(experiment)
    free = [key for key in FREE if key != SNAPSHOTS or experiment.train.on_nonfinite != "rollback"]
    return {k: v for k, v in _dotted(content) if not k.startswith(tuple(free))}


def _dotted(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
