"""The beginning of a run: in a new directory, or where the newest checkpoint of an old one is."""

import datetime
import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.build import Build
from experiments.checkpoint import Checkpoints, NoneVerifies, Restored
from experiments.config import Experiment, dump
from experiments.distributed import first
from experiments.run.course import Course
from experiments.run.describe import describe_start
from experiments.run.directory import FINISHED, RunDirectory, Unwritten, is_free
from experiments.run.resume import NotResumed, check_unchanged, identity, is_longer
from experiments.run.session import Session
from experiments.sinks.base import Subject
from experiments.sinks.views import open_sinks


def resumable(experiment: Experiment, out: Path, resume: bool) -> bool:
    """Whether there is a run in `out` to go on with.

    Raises FileExistsError for a directory that is in use, if `resume` is not asked for, NotResumed
    for one whose run cannot go on with this config.
    """
    if is_free(out):
        return False
    if not resume:
        raise FileExistsError(
            f"{out} exists and is not an empty folder; name another with --out, or go on with the "
            "run there with --resume"
        )
    check_unchanged(out, experiment)
    return True


def outcome(experiment: Experiment, out: Path) -> str | None:
    """The status of the run in `out`, if it has ended and is to be no longer than it was."""
    try:
        status: str = json.loads((out / "summary.json").read_text())["status"]
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
    return status if status in FINISHED and not is_longer(out, experiment) else None


def begin(
    experiment: Experiment,
    parts: Build,
    session: Session,
    out: Path,
    console: Console,
    goes_on: bool,
    stack: ExitStack,
) -> Course:
    """A run ready to train, compiled; what it holds is closed by `stack`.

    Raises NoneVerifies if there are checkpoints and none can be trusted, NotResumed or LogChanged
    if what the directory holds does not fit, RecordFailed if it cannot be written.
    """
    keep = experiment.output.keep_checkpoints
    checkpoints = stack.enter_context(Checkpoints(out / "checkpoints", keep))
    restored = _restore(checkpoints, out, session, console) if goes_on else None
    console.print(describe_start(experiment, parts), highlight=False, markup=False)
    positions, resumes = None, []
    if restored is None:
        session.start()
    else:
        progress = restored.progress
        if progress["identity"] != {"config": identity(experiment), "data": parts.data}:
            raise NotResumed(
                f"{out} cannot go on: its newest checkpoint, {restored.step:08d}, is that of "
                "another config, or of other data"
            )
        session.resume(progress["session"])
        positions, resumes = progress["logs"], [*progress["resumes"], _resumption(restored, parts)]
        session.start(restored.state)
    config = dump(experiment)
    kind = RunDirectory if first() else Unwritten
    directory = stack.enter_context(kind(out, config, positions))
    sinks = experiment.output.log if first() else ()
    past = directory.metrics if sinks else []
    subject = Subject(out, config, experiment.title, parts.labels, past)
    return Course(
        experiment=experiment,
        parts=parts,
        session=session,
        directory=directory,
        checkpoints=checkpoints,
        views=stack.enter_context(open_sinks(sinks, subject)),
        console=console,
        resumes=resumes,
    )


def _restore(
    checkpoints: Checkpoints, out: Path, session: Session, console: Console
) -> Restored | None:
    """What to go on from, told of in a line; None for a run that had written nothing."""
    metrics = out / "metrics.jsonl"
    nothing_written = not metrics.exists() or metrics.stat().st_size == 0
    try:
        restored = checkpoints.restore(session.like)
    except NoneVerifies:
        if not nothing_written:
            raise
        restored = None
    except (OSError, ValueError) as error:
        raise NoneVerifies(str(error)) from error
    if restored is None:
        if not nothing_written:
            raise NoneVerifies(f"there is no checkpoint in {out / 'checkpoints'} to resume from")
        if first():
            shutil.rmtree(out / "checkpoints", ignore_errors=True)
        said = f"{out} had written nothing yet: begun anew"
        console.print(said, highlight=False, markup=False)
        return None
    for sentence in restored.rejected:
        print(f"warning: {sentence}", file=sys.stderr)
    said = f"resumed at step {restored.step:,} of {out}"
    console.print(said, highlight=False, markup=False)
    return restored


def _resumption(restored: Restored, parts: Build) -> dict[str, Any]:
    """What the summary says of having gone on."""
    now, before = parts.surroundings, restored.progress["surroundings"]
    changed = [key for key in now if now[key] != before[key]]
    told = [f"{key} was {before[key]} and is {now[key]}" for key in changed]
    return {
        "step": restored.step,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "last_bits_may_differ": "; ".join(told) or None,
    }
