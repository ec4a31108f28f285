"""Run directories that were never run, and arms made of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.report.arms import Arm, arms_of
from experiments.report.reading import read_run

CONFIG = """\
title: {title}
task: {{name: adding, variant: hochreiter1997, length: {length}}}
model: {{cell: lstm, hidden_size: 3}}
optimizer: {{name: adam, learning_rate: 0.1}}
train: {{batch_size: 4, max_sequences: 400, log_every: 10, seeds: {seeds}}}
"""
ENVIRONMENT = {
    "command": ["/usr/bin/python3", "-m", "experiments", "run", "a b.yaml"],
    "started": "2026-01-02T03:04:05+00:00",
    "python": "3.11.7",
    "versions": {"lstm_jax": "0.1.0", "jax": "0.10.2"},
    "platform": "Linux",
    "cores": 2,
    "backend": "cpu",
    "devices": ["cpu:0"],
    "commit": "0123abc",
}


def write_run(
    folder: Path,
    needed: Sequence[int | None] = (100, None),
    title: str = "A run",
    extra: str = "",
    length: int = 20,
    **changes: Any,
) -> Path:
    """A run directory of 400 sequences, whose seeds needed so many to solve their task."""
    seeds = len(needed)
    folder.mkdir(parents=True)
    config = CONFIG.format(title=json.dumps(title), seeds=seeds, length=length) + extra
    (folder / "config.yaml").write_text(config)
    summary = {
        "status": "completed",
        "step": 100,
        "title": title,
        "members": [f"seed_{seed}" for seed in range(seeds)],
        "variants": [],
        "solved": [each is not None for each in needed],
        "sequences_to_solve": list(needed),
        "sequences_seen": [each or 400 for each in needed],
        "sequences_before": [0] * seeds,
        "failed": [None] * seeds,
        "final": {"test_error": [0.01 * (seed + 1) for seed in range(seeds)]},
        "times": {"wall_seconds": 75.0, "compile_seconds": 2.0, "seconds_to_first_step": 2.0},
        "error": "mean absolute error",
        "chance": 0.2,
        "threshold": 0.01,
        "parameters": 64,
        "devices": {"seeds": 1, "data": 1},
        "resumes": [],
    }
    lines = [
        {"step": step, "sequences": 4 * step, "error": [0.3 / step * (1 + s) for s in range(seeds)]}
        for step in range(10, 101, 10)
    ]
    timings = [
        {"step": step, "seconds": step / 10, "sequences_per_second": 100.0 + step}
        for step in range(10, 101, 10)
    ]
    write_lines(folder / "metrics.jsonl", lines)
    write_lines(folder / "timings.jsonl", timings)
    (folder / "summary.json").write_text(json.dumps(summary | changes))
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT))
    return folder


def write_lines(path: Path, lines: Sequence[Any]) -> None:
    """Lines of JSON."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def arm(folder: Path, needed: Sequence[int | None] = (100, None), **changes: Any) -> Arm:
    """The only arm of a run that was never run, called as its folder."""
    (found,) = arms_of(read_run(write_run(folder, needed, **changes)), folder.name)
    return found
