"""What a run says of itself in the terminal, before and after."""

import statistics
from pathlib import Path
from typing import Any

from experiments.build import Build
from experiments.config import Experiment
from experiments.progress import duration
from lstm_jax.tasks import Task


def describe_start(experiment: Experiment, parts: Build, platform: str | None = None) -> str:
    """One line of what is about to train on what; `platform` is that of the devices."""
    seeds, devices = experiment.train.seeds, parts.mesh.devices.size
    platform = platform or parts.mesh.devices.flat[0].platform
    return (
        f"{experiment.title or type(parts.task).__name__}: {plural(seeds, 'seed')} of "
        f"{parts.parameters:,} parameters on {plural(devices, f'{platform} device')}"
    )


def describe_end(summary: dict[str, Any], task: Task, out: Path) -> str:
    """What came of a run, in a few lines."""
    lines = [_solved(summary, task)]
    if summary["status"] != "completed":
        lines.insert(0, f"{summary['status']}: no result of the whole run")
    if error := summary["final"]["test_error"]:
        lines.append(f"test: {task.error_name} {_range(error, '.3g')}, chance {task.chance:.3g}")
    seconds, compiling = summary["wall_seconds"], summary["compile_seconds"]
    lines.append(f"time: {duration(seconds)}, {duration(compiling)} of it compiling")
    lines.append(f"picture: {out / 'curves.png'}")
    return "\n".join(lines)


def _solved(summary: dict[str, Any], task: Task) -> str:
    seeds, needed = len(summary["seeds"]), [n for n in summary["sequences_to_solve"] if n]
    line = f"solved: {len(needed)} of {plural(seeds, 'seed')}"
    if needed:
        line += f", after {_range(needed, ',.0f')} sequences"
    return line


def _range(values: list[Any], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    if low == high:
        return low
    return f"{low} to {high} (median {format(statistics.median(values), form)})"


def plural(count: int, noun: str) -> str:
    """A count and its noun.

    >>> plural(1, "seed"), plural(4, "seed")
    ('1 seed', '4 seeds')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
