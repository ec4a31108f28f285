"""A curriculum: stages that a run goes through before the config itself.

    curriculum:
      - {task.length: 100, train.max_sequences: 20000}
      - {task.length: 1000}

Every stage is a whole config, the one around it with the stage's keys laid over it, its variants
too. Each but the first begins with what was learnt in the one before.
"""

from typing import Any

from experiments.config.laid_over import Keys, List, check_with
from experiments.config.models import Check

NAME = "curriculum"
OF_ALL = {
    "variants": "all have the same",
    "curriculum": "it has none of its own",
    "output": "it is that of the run",
    "published": "it is that of the run",
}
"""Sections that are not a stage's own, and why."""


def check_with_curriculum(check: Check, config: Any) -> tuple[Any, list[tuple[Keys, Any]]]:
    """What `check` makes of a config without its curriculum, and of each stage.

    Raises ValidationError with the faults of all of them, each said once.
    """
    return check_with(check, config, List(NAME, _misnamed, distinct=False))


def _misnamed(key: str) -> str | None:
    section = key.partition(".")[0]
    return f"cannot differ in a stage: {OF_ALL[section]}" if section in OF_ALL else None
