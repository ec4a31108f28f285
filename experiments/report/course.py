"""What lines of metrics tell of the gates, where `diagnose.every` asked them to."""

import itertools
import re
from typing import Any

import numpy as np

from experiments.report.arms import Arm
from experiments.report.figures.gate_course import Course
from experiments.report.reading import numbers

KEY = re.compile(r"(layer_\d+(?:_forward|_backward)?)\.([a-z])_mean")
"""Of what a line tells of a gate: its cell, and its name."""


def courses(arm: Arm) -> list[Course]:
    """The course of each cell's gates, for the seeds of an arm; none where nothing was told."""
    looks = [line for line in arm.run.lines if any(map(KEY.fullmatch, line))]
    found: dict[str, dict[str, np.ndarray]] = {}
    for key in dict.fromkeys(key for line in looks for key in line):
        if (match := KEY.fullmatch(key)) is not None:
            means = _held(np.array([_of_arm(line, key, arm) for line in looks]))
            if np.isfinite(means).any(axis=1).all():
                found.setdefault(match[1], {})[match[2]] = means
    sequences = [line["sequences"] for line in looks]
    return [Course(cell.replace("_", " "), sequences, gates) for cell, gates in found.items()]


def _held(means: np.ndarray) -> np.ndarray:
    """The same, where a seed that has stopped stays as it was."""
    for before, now in itertools.pairwise(means):
        np.copyto(now, before, where=np.isnan(now))
    return means


def _of_arm(line: dict[str, Any], key: str, arm: Arm) -> list[float]:
    """What a line tells of each seed of an arm; NaN for what it does not."""
    told = (numbers(line, key) or [])[arm.first :][: len(arm.seeds)]
    padded = [*told, *[None] * (len(arm.seeds) - len(told))]
    return [np.nan if value is None else value for value in padded]
