"""The sections on how runs were made: what they cost, their configs, and how to repeat them."""

import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from experiments.build import Build
from experiments.compile.costs import size
from experiments.report.page import Block, Code, Heading, Section, Table, Text
from experiments.report.reading import Run
from experiments.report.story import number
from experiments.words import duration

MAX_SAMPLE = 500
"""Characters of what a text model wrote."""


def step_memory(parts: Build) -> int | None:
    """Bytes that a training step of all members holds at once on each device, compiled here."""
    states = jax.eval_shape(parts.program.start)
    lowered = parts.program.run_steps.lower(states, np.int32(0), np.bool_(True))
    plan = lowered.compile().memory_analysis()
    if plan is None:
        return None
    return (
        plan.argument_size_in_bytes
        + plan.output_size_in_bytes
        - plan.alias_size_in_bytes
        + plan.temp_size_in_bytes
    )


def cost(runs: Sequence[Run], names: Sequence[str], memory: Mapping[str, int | None]) -> Section:
    """Parameters, time and memory; `memory` by the name of the run, where it is known."""
    rows = [(name, *_costs(run, memory.get(name))) for run, name in zip(runs, names, strict=True)]
    columns = (
        "run", "parameters", "time in all", "compiling", "sequences a second", "memory of a step",
        "devices",
    )  # fmt: skip
    notes = [
        "Parameters: of one seed's model. Sequences a second: of all seeds together, the median "
        "over the lines of metrics. Memory: what the training step of all seeds holds at once on a "
        "device, as compiled on the machine that made this page."
    ]
    return Section("cost", "What it cost", [Table("Costs", columns, rows, notes)])


def _costs(run: Run, memory: int | None) -> tuple[str, ...]:
    times = run.summary.get("times", {})
    rates = [line["sequences_per_second"] for line in run.timings]
    started = run.environments[-1] if run.environments else {}
    devices = started.get("devices", [])
    return (
        number(run.summary.get("parameters"), ",d"),
        _seconds(times.get("wall_seconds")),
        _seconds(times.get("compile_seconds")),
        number(statistics.median(rates), ",.0f") if rates else "–",
        "–" if memory is None else size(memory),
        f"{len(devices)} × {started.get('backend', '?')}" if devices else "–",
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else duration(value)


def making(runs: Sequence[Run], names: Sequence[str]) -> Section:
    """Commands, versions and configs."""
    blocks: list[Block] = []
    for run, name in zip(runs, names, strict=True):
        if len(runs) > 1:
            blocks.append(Heading(name))
        blocks += _of_run(run)
    return Section("making", "How to repeat it", blocks)


def _of_run(run: Run) -> list[Block]:
    blocks: list[Block] = []
    if run.environments:
        first = run.environments[0]
        if "command" in first:
            blocks.append(Code("Command", command(first["command"])))
        blocks.append(Table("Made with", ("what", "which"), _surroundings(first), text=True))
    for resumed in run.summary.get("resumes", []):
        differ = resumed.get("last_bits_may_differ")
        told = f"Resumed at step {resumed.get('step', '?')}, {resumed.get('time', '')}"
        blocks.append(Text(f"{told}; last bits may differ: {differ}." if differ else f"{told}."))
    if run.config is not None:
        blocks.append(Code("The whole config, as resolved", run.config, folded=True))
    return blocks


def command(words: Sequence[str]) -> str:
    """A command as one would type it, whichever interpreter it ran with.

    >>> command(["/usr/bin/python3", "-m", "experiments", "run", "a b.yaml"])
    "python -m experiments run 'a b.yaml'"
    """
    return shlex.join(["python", *words[1:]])


def _surroundings(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    commit = found.get("commit")
    rows = {
        "started": found.get("started"),
        "commit": commit or "not in a checkout",
        "python": found.get("python"),
        "platform": found.get("platform"),
        "cores": found.get("cores"),
        "devices": ", ".join(found.get("devices", [])) or None,
        **found.get("versions", {}),
    }
    return [(name, str(value)) for name, value in rows.items() if value is not None]


def sample(run: Run) -> list[Block]:
    """What a text model wrote, where the run has left it."""
    try:
        text = (run.path / "sample.txt").read_text("utf-8", "replace")
    except OSError:
        return []
    return [Code("What the trained model writes", text[:MAX_SAMPLE], wraps=True)]
