"""A whole report: what can be said of its subject, in the order in which people want it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from rich.console import Console

import lstm_jax
from experiments.build import Build, build
from experiments.report.album import Album
from experiments.report.arms import Arm, levels_of
from experiments.report.gather import Subject
from experiments.report.page import Page, Section, render
from experiments.report.probing import Inside, probe
from experiments.report.reading import Run
from experiments.report.sections.gates import gates
from experiments.report.sections.gradient import gradient, gradient_story
from experiments.report.sections.learnt import comparison, learning, published_of
from experiments.report.sections.making import cost, making, sample, step_memory
from experiments.report.sections.memory import memory
from experiments.report.statistics import compare
from experiments.report.story import (
    ENDINGS,
    beside_published,
    interval,
    number,
    seeds_and_runs,
    verdict,
    who_solved,
    who_wins,
)
from experiments.trained import NoParameters, Trained
from experiments.words import duration

MAX_INSIDE = 6
"""Arms that are looked into; of more, the best."""


def compose(subject: Subject, out: Path, console: Console) -> tuple[str, list[Path]]:
    """The page of a report, and its pictures, written beside it.

    What turns out to be missing joins `subject.missing`. Raises OSError where nothing can be
    written.
    """
    album = Album(out.with_suffix(""))
    arms = subject.arms
    insides, memories = look_inside(subject, console)
    sections: list[Section] = []
    found = []
    comparable = len({(task_of(arm), levels_of(arm.run)) for arm in arms}) == 1
    if arms and comparable:
        sections.append(learning(arms, levels_of(arms[0].run), album))
        found = compare(arms)
    if len(arms) > 1:
        sections.append(comparison(arms, levels_of(arms[0].run), found))
    if insides:
        shown = [gradient(insides, album), gates(insides, album), memory(insides, album)]
        sections += [section for section in shown if section is not None]
    names = [subject.name_of(run) for run in subject.runs]
    if len(subject.runs) == 1 and (wrote := sample(subject.runs[0])):
        sections.append(Section("sample", "What it writes", wrote))
    sections.append(cost(subject.runs, names, memories))
    sections.append(making(subject.runs, names))
    page = Page(
        title=subject.title,
        kicker=kicker(subject),
        verdict=[*headline(subject), *who_wins(found), *_gradient_line(insides)],
        facts=facts(arms[0]) if len(arms) == 1 else (),
        missing=subject.missing,
        sections=sections,
        foot=f"Made by python -m experiments report, lstm_jax {lstm_jax.__version__}, jax "
        f"{jax.__version__}. This page is whole in itself: it loads nothing and runs no scripts.",
    )
    return render(page), album.files


def look_inside(subject: Subject, console: Console) -> tuple[list[Inside], dict[str, int | None]]:
    """Diagnostics of the arms, the best where there are many; the memory of each run's step."""
    order = sorted(subject.arms, key=lambda arm: arm.standing)
    chosen = [arm for arm in subject.arms if arm in order[:MAX_INSIDE]]
    if len(chosen) < len(subject.arms):
        subject.missing.append(
            f"Only the best {MAX_INSIDE} of {len(subject.arms)} settings were looked into."
        )
    built: dict[Path, tuple[Build, Trained] | None] = {}
    memories: dict[str, int | None] = {}
    insides = []
    for arm in chosen:
        run = arm.run
        name = subject.name_of(run)
        if run.path not in built:
            console.print(f"looking into {run.path}", highlight=False, markup=False)
            built[run.path] = _open(run, subject, memories, name)
        opened = built[run.path]
        if opened is not None:
            inside = probe(arm, *opened)
            of = f"{arm.label}: " if len(subject.arms) > 1 else ""
            subject.missing.extend(of + each for each in inside.missing)
            insides.append(inside)
    return insides, memories


def _open(
    run: Run, subject: Subject, memories: dict[str, int | None], name: str
) -> tuple[Build, Trained] | None:
    """What a run's model is built from and what it had learnt; None, told of, if that cannot be."""
    if run.experiment is None:
        return None
    try:
        parts = build(run.experiment)
        memories[name] = step_memory(parts)
        return parts, Trained(run.path, parts.model, len(parts.labels))
    except (NotImplementedError, NoParameters, ValueError) as error:
        subject.missing.append(f"{name} cannot be looked into: {str(error).rstrip('.')}.")
        return None


def task_of(arm: Arm) -> Any:
    """What an arm learnt; None where its config cannot be read."""
    return arm.experiment.task if arm.experiment is not None else None


def kicker(subject: Subject) -> str:
    """What kind of report it is."""
    if subject.sweep is not None:
        return f"Report of a sweep: {seeds_and_runs(subject.arms)}"
    if len(subject.runs) > 1:
        return f"Report of {len(subject.runs)} runs: {seeds_and_runs(subject.arms)}"
    return f"Report of a run: {subject.runs[0].path.resolve().name}"


def headline(subject: Subject) -> list[str]:
    """What came of the only arm, and how its run ended."""
    said = []
    if len(subject.arms) == 1:
        arm = subject.arms[0]
        said.append(verdict(arm, levels_of(arm.run)))
        published = published_of([arm])
        if published is not None:
            said[0] += f" {beside_published(arm, published)}"
    elif subject.arms:
        said.append(who_solved(subject.arms))
    endings = {subject.name_of(run): ENDINGS.get(run.status or "") for run in subject.runs}
    for name, ending in endings.items():
        if ending is not None:
            said.append(f"{name}: {ending}" if len(endings) > 1 else ending)
    return said or (["Nothing can be told of what was learnt."] if not subject.arms else [])


def _gradient_line(insides: Sequence[Inside]) -> list[str]:
    """The story of the gradient of the only arm, or of the first cells beside one another."""
    shown = [inside for inside in insides if inside.after.flows is not None]
    return [gradient_story(shown[0])] if len(shown) == len(insides) == 1 else []


def facts(arm: Arm) -> list[tuple[str, str]]:
    """The few numbers of a run that people look for first."""
    summary = arm.run.summary
    seconds = summary.get("times", {}).get("wall_seconds")
    return [
        (f"seeds that solved it; 95% interval {interval(arm)}", arm.solved),
        ("sequences to solve, median", number(arm.median, ",.0f")),
        ("test error, median", number(arm.error)),
        ("parameters", number(summary.get("parameters"), ",d")),
        ("time", "–" if seconds is None else duration(seconds)),
    ]
