"""What a run says of itself in the terminal, before and after."""

import statistics
from pathlib import Path
from typing import Any

from experiments.build import Build
from experiments.config import Experiment
from experiments.run.directory import whole
from experiments.words import duration, plural


def describe_start(experiment: Experiment, parts: Build, platform: str | None = None) -> str:
    """One line of what is about to train on what; `platform` is that of the devices."""
    devices = parts.mesh.size
    platform = platform or parts.mesh.devices.flat[0].platform
    variants = plural(len(experiment.variants), "variant") + " of " if experiment.variants else ""
    of = f"{devices} of " if devices < len(parts.devices) else ""
    return (
        f"{experiment.title or type(parts.task).__name__}: {variants}"
        f"{plural(experiment.train.seeds, 'seed')} of {parts.parameters:,} parameters on "
        f"{of}{plural(len(parts.devices) if of else devices, f'{platform} device')}"
    )


def describe_failed(member: str, failure: dict[str, Any]) -> str:
    """Which member stopped at what.

    >>> failure = {"step": 120, "first_bad": "the loss", "bad_in_a_row": 1}
    >>> describe_failed("seed_3", failure)
    'seed_3 stopped before step 120: the loss is not finite'
    >>> describe_failed("seed_3", failure | {"bad_in_a_row": 100})
    'seed_3 stopped before step 120, after 100 bad steps in a row: the loss is not finite'
    """
    count = failure["bad_in_a_row"]
    after = f", after {count} bad steps in a row" if count > 1 else ""
    what = f"{failure['first_bad']} is not finite"
    return f"{member} stopped before step {failure['step']:,}{after}: {what}"


def describe_end(summary: dict[str, Any], parts: Build, out: Path) -> str:
    """What came of a run, in a few lines."""
    task, status, times = parts.task, summary["status"], summary["times"]
    lines = [_solved(summary)]
    if status in ("interrupted", "terminated"):
        at = f"{status} at step {summary['step']:,}"
        lines.insert(0, f"{at}: the same with --resume --out {whole(out)} goes on")
    elif status == "diverged":
        lines.insert(0, "diverged: no member has a result")
    failed = zip(parts.labels, summary["failed"], strict=True)
    lines += [describe_failed(member, failure) for member, failure in failed if failure]
    if bad := sum(summary["bad_steps"]) - sum(map(bool, summary["failed"])):
        lines.append(f"bad steps: {bad:,}, from which nothing was learnt")
    if (error := summary["final"]["test_error"]) and status != "diverged":
        lines.append(f"test: {task.error_name} {_range(error, '.3g')}, chance {task.chance:.3g}")
    seconds, compiling = times["wall_seconds"], times["compile_seconds"]
    lines.append(f"time: {duration(seconds)}, {duration(compiling)} of it compiling")
    lines.append(f"picture: {out / 'curves.png'}")
    return "\n".join(lines)


def _solved(summary: dict[str, Any]) -> str:
    needed = [n for n in summary["sequences_to_solve"] if n is not None]
    noun = "member" if summary["variants"] else "seed"
    line = f"solved: {len(needed)} of {plural(len(summary['members']), noun)}"
    if needed:
        line += f", after {_range(needed, ',.0f')} sequences"
    if any(before := summary["sequences_before"]):
        line += f"; {_range(before, ',.0f')} before, in what the parameters come from"
    return line


def _range(values: list[Any], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    if low == high:
        return low
    return f"{low} to {high} (median {format(statistics.median(values), form)})"
