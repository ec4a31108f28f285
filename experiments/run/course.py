"""The course of a run: calls, lines of metrics, checkpoints, until the end or a signal."""

import contextlib
import dataclasses
import time
from typing import Any

import numpy as np
from rich.console import Console

from experiments.build import Build
from experiments.checkpoint import Checkpoints
from experiments.config import Experiment
from experiments.distributed import any_of, from_first
from experiments.run.describe import describe_failed
from experiments.run.directory import RecordFailed, RunDirectory
from experiments.run.progress import Report, display
from experiments.run.resume import identity
from experiments.run.session import Line, Session
from experiments.run.signals import Signals
from experiments.sinks.views import Views


@dataclasses.dataclass
class Course:
    """A run under way, and all that it writes to."""

    experiment: Experiment
    parts: Build
    session: Session
    directory: RunDirectory
    checkpoints: Checkpoints
    views: Views
    console: Console
    resumes: list[dict[str, Any]]
    """When it was gone on with."""

    def __post_init__(self) -> None:
        self._saved = time.monotonic()
        self._told = [failure is not None for failure in self.session.failed]

    def train(self, signals: Signals) -> str:
        """Train to the end, or until a signal comes; returns the status."""
        sequences = self.experiment.train.max_sequences
        self.summarise("running")
        with signals.noted(), display(self.console, len(self.parts.labels), sequences) as show:
            self.save()
            while not self.session.finished:
                line = self.session.advance()
                if line is not None:
                    self.log(line)
                    show(Report.of(line.metrics, line.timing))
                if any_of(signals.status is not None):
                    self.save()
                    self.checkpoints.wait()
                    return signals.status or "terminated"
                self.save_if_due()
            self.save()
            self.checkpoints.wait()
        return "diverged" if self.session.diverged else "completed"

    def log(self, line: Line) -> None:
        """Write a line of metrics, once there is a checkpoint, and tell of members that failed."""
        if self.checkpoints.newest is None:
            self.checkpoints.wait()
        self.directory.log(line.metrics, line.timing)
        self.views.log(line.metrics)
        for member, failure in enumerate(self.session.failed):
            if failure is not None and not self._told[member]:
                self._told[member] = True
                words = describe_failed(self.parts.labels[member], failure)
                self.console.print(f"{words}; {self.last_checkpoint}", highlight=False)

    def save(self) -> None:
        """Begin a checkpoint of all that `--resume` needs."""
        self._saved = time.monotonic()
        progress = {
            "session": self.session.progress(),
            "logs": self.directory.positions,
            "identity": {"config": identity(self.experiment), "data": self.parts.data},
            "surroundings": self.parts.surroundings,
            "resumes": self.resumes,
        }
        self.checkpoints.save(self.session.step, self.session.saved(), progress)

    def save_if_due(self) -> None:
        """Begin one where the last is long enough ago, by the clock of the first process."""
        due = time.monotonic() - self._saved >= self.experiment.output.checkpoint_seconds
        if from_first(np.array(due)):
            self.save()

    @property
    def last_checkpoint(self) -> str:
        """What there is to go on from, in words."""
        newest = self.checkpoints.newest
        return "there is no checkpoint" if newest is None else f"last checkpoint: step {newest:,}"

    def summarise(self, status: str) -> dict[str, Any]:
        """Write the summary, and return it."""
        task = self.parts.task
        summary = self.session.summary(status) | {
            "title": self.experiment.title,
            "members": list(self.parts.labels),
            "sequences_before": list(self.parts.sequences_before),
            "variants": [dict(variant.keys) for variant in self.experiment.variants],
            "error": task.error_name,
            "chance": task.chance,
            "threshold": task.threshold,
            "parameters": self.parts.parameters,
            "devices": dict(self.parts.mesh.shape),
            "resumes": self.resumes,
        }
        self.directory.summarise(summary)
        self.views.summarise(summary)
        return summary

    def give_up(self) -> None:
        """Write that the run has failed, where that can still be written."""
        with contextlib.suppress(RecordFailed):
            self.summarise("failed")
