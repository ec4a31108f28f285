"""A run: train a config's seeds until they solve their task, and leave a run directory behind."""

from pathlib import Path
from typing import Any

import jax
from rich.console import Console

from experiments.build import Build, build
from experiments.config import Experiment, dump
from experiments.curves import plot_curves
from experiments.describe import describe_end, describe_start
from experiments.progress import Report, display
from experiments.record import RunDirectory
from experiments.session import Session
from experiments.text import write_sample
from lstm_jax.tasks import Text


class BadInput(Exception):
    """A run that cannot begin, in one sentence."""


def run(experiment: Experiment, out: Path, console: Console, began: float | None = None) -> str:
    """Run an experiment into the directory `out`; returns its status.

    The status is "completed", "diverged" (no seed is left with a finite loss) or "interrupted"
    (from the keyboard). Its times count from `began`, on the clock of `time.perf_counter`.

    Raises BadInput, before anything is written, for settings that contradict one another or that an
    executor cannot serve, a text that cannot serve or a directory that cannot be used.
    """
    try:
        parts = build(experiment)
        session = Session(parts.program, experiment.train, began)
        directory = RunDirectory(out, dump(experiment))
    except (NotImplementedError, OSError, ValueError) as error:
        raise BadInput(str(error)) from error
    with directory:
        console.print(describe_start(experiment, parts), highlight=False, markup=False)
        directory.summarise(_summary(experiment, parts, session, "running"))
        try:
            status = _train(session, experiment, directory, console)
        except KeyboardInterrupt:
            status = "interrupted"
        except BaseException:
            directory.summarise(_summary(experiment, parts, session, "failed"))
            raise
        summary = _summary(experiment, parts, session, status)
        directory.summarise(summary)
        plot_curves(directory.path)
        console.print(describe_end(summary, parts.task, out), highlight=False, markup=False)
        if status == "completed" and isinstance(parts.task, Text):
            params = jax.tree.map(lambda leaf: leaf[0], session.states.params)
            sample = write_sample(parts.task, parts.model, params, out)
            console.rule("sample")
            console.print(sample, highlight=False, markup=False)
    return status


def _train(
    session: Session, experiment: Experiment, directory: RunDirectory, console: Console
) -> str:
    with display(console, experiment.train.seeds, experiment.train.max_sequences) as show:
        session.start()
        while not session.finished:
            line = session.advance()
            directory.log(line)
            show(Report.of(line))
            if session.diverged:
                break
        session.evaluate()
    return "diverged" if session.diverged else "completed"


def _summary(experiment: Experiment, parts: Build, session: Session, status: str) -> dict[str, Any]:
    task = parts.task
    return session.summary(status) | {
        "title": experiment.title,
        "error": task.error_name,
        "chance": task.chance,
        "threshold": task.criterion.max_error,
        "parameters": parts.parameters,
        "devices": dict(parts.mesh.shape),
    }
