"""The work that a sweep is: its cells that have no result yet, trained by an engine."""

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from experiments.build import check as check_buildable
from experiments.checkpoint.lock import Locked, RunLock
from experiments.config import Experiment
from experiments.config.writer import inline
from experiments.run.run import BadInput
from experiments.sinks import require
from experiments.sweep.engines import Engine, Job, load
from experiments.sweep.folder import SweepFolder
from experiments.sweep.progress import display
from experiments.sweep.results import Result, results
from experiments.sweep.schedule import run_trials
from experiments.sweep.sheet import Sheet
from experiments.sweep.stopping import StopRequests
from experiments.sweep.trials import Place, Trial, bare, group
from experiments.words import plural
from lstm_jax.checks import Size, check


class Means(NamedTuple):
    """By what, and how many at once."""

    engine: str = "local"
    workers: int | None = None


class Outcome(NamedTuple):
    """What came of the work."""

    failed: Mapping[str, str]
    """The trials without a result, by name, with the reason."""
    stopped: int | None
    """The exit status, where signals ended it before all was done."""

    def tell_failures(self, folder: SweepFolder) -> None:
        """Print each failure, and the last line of its log, as an error."""
        for name, reason in self.failed.items():
            print(f"trial {name} {reason}: {_last_line(folder.log(name))}", file=sys.stderr)


@dataclasses.dataclass(frozen=True)
class Work:
    """A sweep that can begin: its folder is held, its engine ready."""

    sheet: Sheet
    folder: SweepFolder
    places: Sequence[Place]
    """Of all cells, done or not."""
    trials: Sequence[Trial]
    """Those that are left to run."""
    engine: Engine

    def train(self, title: str, again: str, console: Console) -> Outcome:
        """Run the trials; `again` is the command that goes on after a stop."""

        def say(text: str) -> None:
            console.print(text, highlight=False, markup=False)

        folder, trials = self.folder, self.trials
        done = sum(1 for place in self.places if folder.finished(place.trial))
        say(
            f"{title}: {plural(len(self.places), 'cell')}, {done} done; "
            f"{plural(len(trials), 'trial')} to run, "
            f"{min(self.engine.workers, len(trials))} at once"
        )
        jobs = [
            Job(trial.name, _command(folder, trial.name), folder.log(trial.name))
            for trial in trials
        ]
        runs = {
            trial.name: (folder.run(trial.name), trial.experiment.train.max_sequences)
            for trial in trials
        }
        with StopRequests() as signals, display(console, runs) as show:
            state = run_trials(jobs, self.engine, folder.finished, signals, show)
        if not signals.received or len(state.done) == len(trials):
            return Outcome(state.failed, None)
        others = "saved" if len(signals.received) == 1 else "ended at once"
        say(
            f"stopped: {len(state.done)} of {plural(len(trials), 'trial')} done, and the others "
            f"{others}; the same command goes on: {again}"
        )
        return Outcome(state.failed, signals.status)

    def results(self) -> list[Result]:
        """What came of every cell, best first."""
        return results(self.sheet.cells, self.places, self.folder)


@contextlib.contextmanager
def prepared(sheet: Sheet, out: Path, means: Means) -> Iterator[Work]:
    """Hold a folder for a sweep, and write down in it what is to be done.

    Raises BadInput before anything is run.
    """
    with contextlib.ExitStack() as held:
        try:
            make = load(means.engine)
            if means.workers is not None:
                check("--workers", means.workers, Size)
            check_cells(sheet)
            folder = SweepFolder(out)
            held.enter_context(RunLock(out))
            trials, places = plan(sheet, folder)
            # of all trials, done or not, so that a start anew spreads each over as many devices
            count = len(group(cell.experiment for cell in sheet.cells))
            engine = make(count, means.workers, out)
            held.callback(engine.close)
            folder.begin(sheet, trials, places)
        except (Locked, OSError, ValueError) as error:
            raise BadInput(str(error)) from error
        yield Work(sheet, folder, places, trials, engine)


def check_cells(sheet: Sheet) -> None:
    """Hold that every cell can be trained; ValueError with what stands against each."""
    wrong = []
    for cell in sheet.cells:
        try:
            check_buildable(cell.experiment)
            require(cell.experiment.output.log)
        except ValueError as error:
            wrong.append(f"the cell {inline(dict(cell.keys))} cannot be trained: {error}")
    if wrong:
        raise ValueError("\n".join(wrong))


def plan(sheet: Sheet, folder: SweepFolder) -> tuple[list[Trial], list[Place]]:
    """The trials that are left to run, and the places of all cells, done or not.

    Cells of which only other things are said, as what was published of them, share a place.
    """
    found = {bare(cell): place for cell, place in folder.results().items()}
    cells = [cell.experiment for cell in sheet.cells]
    left: dict[Experiment, Experiment] = {}
    for cell in cells:
        if bare(cell) not in found:
            left.setdefault(bare(cell), cell)
    trials = group(left.values())
    for trial in trials:
        found |= {bare(cell): place for cell, place in trial.places.items()}
    return trials, [found[bare(cell)] for cell in cells]


def _command(folder: SweepFolder, trial: str) -> tuple[str, ...]:
    run = (sys.executable, "-m", "experiments", "run", str(folder.config(trial)))
    return (*run, "--resume", "--out", str(folder.run(trial)))


def _last_line(log: Path) -> str:
    """The last line that a trial printed, and where the others are."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{lines[-1] if lines else 'nothing was printed'} ({log})"
