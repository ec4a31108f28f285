"""A run: train a config's members until they solve their task, and leave a run directory behind.

begin (anew, or from a checkpoint) -> train -> test -> summary, picture, sample
"""

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from rich.console import Console

from experiments.build import build
from experiments.checkpoint import Locked, NoneVerifies, RunLock, SaveFailed
from experiments.config import ConfigError, Experiment
from experiments.distributed import (
    first,
    from_first,
    hold_all_take_part,
    joined,
    text_from_first,
)
from experiments.run.begin import begin, outcome, resumable
from experiments.run.course import Course
from experiments.run.curves import plot_curves
from experiments.run.describe import describe_end
from experiments.run.directory import FINISHED, RecordFailed, failing_as_record
from experiments.run.logs import LogChanged
from experiments.run.resume import NotResumed
from experiments.run.session import Session
from experiments.run.signals import Signals, Stopped
from experiments.sinks import require
from experiments.text import write_sample
from lstm_jax.tasks import Text

REFUSALS = (ConfigError, NotImplementedError, NotResumed, OSError, ValueError)
"""What a run that cannot begin is told by."""


class Earlier(NamedTuple):
    """What came before a run: the run that it begins with, and what all of it took."""

    run: Path
    seconds: float


class BadInput(Exception):
    """A run that cannot begin, in one sentence."""


class Failed(Exception):
    """A run that cannot go on, in one sentence; what was saved is sound."""


def run(
    experiment: Experiment,
    out: Path,
    console: Console,
    began: float | None = None,
    resume: bool = False,
    after: Earlier | None = None,
) -> str:
    """Run an experiment into the directory `out`, or go on with the run there; returns its status.

    The status is "completed", "diverged" (every member has failed), "interrupted" (from the
    keyboard) or "terminated" (by SIGTERM); after the last two `resume` goes on. Times count from
    `began`, on the clock of `time.perf_counter`. A stage of a curriculum comes `after` another.
    All processes of a distributed run call it.

    Raises BadInput, before anything is written, for settings that contradict one another or that an
    executor cannot serve, a text that cannot serve, a directory that cannot be used or holds a run
    that cannot go on with this config; Failed for a run that cannot go on.
    """
    try:
        require(experiment.output.log)
        parts = build(experiment, after=after and after.run)
        hold_all_take_part(parts.mesh)
        session = Session(
            parts, experiment.train, began, experiment.diagnose.every, after.seconds if after else 0
        )
        goes_on = bool(from_first(np.array(first() and resumable(experiment, out, resume))))
        ended = text_from_first((outcome(experiment, out) or "") if goes_on and first() else "")
    except REFUSALS as error:
        raise BadInput(str(error)) from error
    if ended:
        console.print(f"{out} is {ended}: nothing is left to do", highlight=False, markup=False)
        return ended
    try:
        with ExitStack() as stack:
            signals = stack.enter_context(Signals())
            _lock(out, stack)
            if resume and not goes_on and after is None:
                console.print(f"{out} holds no run: begun anew", highlight=False, markup=False)
            course = begin(experiment, parts, session, out, console, goes_on, stack)
            return _run(course, signals)
    except (Locked, NotResumed) as error:
        raise BadInput(str(error)) from error
    except (LogChanged, NoneVerifies, RecordFailed) as error:
        raise Failed(str(error)) from error
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise Failed(f"not enough memory: {str(error).partition(chr(10))[0]}") from error
    except Stopped as stopped:
        if joined():
            raise  # where the others do not know of it
        return str(stopped)


def _lock(out: Path, stack: ExitStack) -> None:
    """Let no other process write to the run directory."""
    try:
        if first():
            stack.enter_context(RunLock(out))
    except OSError as error:
        raise (Failed if out.is_dir() else BadInput)(str(error)) from error


def _run(course: Course, signals: Signals) -> str:
    """Train, test and tell; returns the status."""
    try:
        status = _train(course, signals)
        with signals.noted(), failing_as_record(course.directory.path):
            _tell(course, status)
    except (SaveFailed, RecordFailed) as error:
        course.give_up()
        raise Failed(f"{error}; {course.last_checkpoint}") from error
    except Stopped:
        raise
    except BaseException:
        course.give_up()
        raise
    return status


def _train(course: Course, signals: Signals) -> str:
    """Train, and test what training has brought to its end."""
    try:
        status = course.train(signals)
        if status in FINISHED:
            course.session.evaluate()
    except Stopped as stopped:
        if joined():
            raise
        return str(stopped)
    return status


def _tell(course: Course, status: str) -> None:
    """Write the picture, a sample and the summary, and say what came of the run.

    The summary is last: it says that there is nothing left to do. The picture is drawn from one
    that does not yet.
    """
    console, out = course.console, course.directory.path
    course.summarise("running")
    wants_sample = status == "completed" and isinstance(course.parts.task, Text)
    params = course.session.params(0) if wants_sample else None
    sample = None
    if first():
        plot_curves(out)
        if params is not None:
            assert isinstance(course.parts.task, Text)
            sample = write_sample(course.parts.task, course.parts.model, params, out)
    summary = course.summarise(status)
    if not first():
        return
    end = describe_end(summary, course.parts, out)
    console.print(end, highlight=False, markup=False)
    if sample is not None:
        console.rule("sample")
        console.print(sample, highlight=False, markup=False)
