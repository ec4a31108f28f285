"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments.build import check as check_buildable
from experiments.checkpoint.lock import Locked, RunLock
from experiments.config.writer import inline
from experiments.files import write
from experiments.run.run import BadInput
from experiments.sinks import require
from experiments.sweep.engines import ENGINES, Engine, Job, load
from experiments.sweep.folder import SweepFolder
from experiments.sweep.plot import plot
from experiments.sweep.progress import display
from experiments.sweep.results import results
from experiments.sweep.schedule import run_trials
from experiments.sweep.sheet import Sheet, load_sheet
from experiments.sweep.stopping import StopRequests
from experiments.sweep.table import as_csv, table, width
from experiments.sweep.trials import Place, Trial, group
from experiments.words import plural
from lstm_jax.checks import Size, check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sweep`."""
    parser.add_argument("sheet", type=Path, metavar="SWEEP.yaml", help="which config, and cells")
    parser.add_argument("--engine", default="local", help=f"{' | '.join(ENGINES)}; default: local")
    parser.add_argument("--workers", type=int, metavar="N", help="trials that run at once")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: runs/sweeps/NAME, for NAME.yaml"
    )


def sweep(options: argparse.Namespace, console: Console) -> int:
    """Train the cells of a sweep that have no result yet, then show them all.

    The exit status: 0, 1 where a trial failed, 130 or 143 after a signal. Raises ConfigError or
    BadInput before anything is run.
    """
    sheet = load_sheet(options.sheet)
    out = options.out or Path("runs", "sweeps", options.sheet.stem)
    with contextlib.ExitStack() as held:
        try:
            make = load(options.engine)
            if options.workers is not None:
                check("--workers", options.workers, Size)
            check_cells(sheet)
            folder = SweepFolder(out)
            held.enter_context(RunLock(out))
            trials, places = plan(sheet, folder)
            # of all trials, done or not, so that a start anew spreads each over as many devices
            count = len(group(cell.experiment for cell in sheet.cells))
            engine = make(count, options.workers, out)
            held.callback(engine.close)
            folder.begin(sheet, trials, places)
        except (Locked, OSError, ValueError) as error:
            raise BadInput(str(error)) from error
        return _sweep(sheet, folder, trials, places, engine, options, console)


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
    """The trials that are left to run, and the places of all cells, done or not."""
    found = folder.results()
    cells = [cell.experiment for cell in sheet.cells]
    trials = group(cell for cell in cells if cell not in found)
    for trial in trials:
        found |= trial.places
    return trials, [found[cell] for cell in cells]


def _sweep(
    sheet: Sheet,
    folder: SweepFolder,
    trials: Sequence[Trial],
    places: Sequence[Place],
    engine: Engine,
    options: argparse.Namespace,
    console: Console,
) -> int:
    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    title = sheet.title or options.sheet.stem
    done = sum(1 for place in places if folder.finished(place.trial))
    say(
        f"{title}: {plural(len(places), 'cell')}, {done} done; {plural(len(trials), 'trial')} to "
        f"run, {min(engine.workers, len(trials))} at once"
    )
    jobs = [
        Job(trial.name, _command(folder, trial.name), folder.log(trial.name)) for trial in trials
    ]
    runs = {
        trial.name: (folder.run(trial.name), trial.experiment.train.max_sequences)
        for trial in trials
    }
    with StopRequests() as signals, display(console, runs) as show:
        state = run_trials(jobs, engine, folder.finished, signals, show)
    if signals.received and len(state.done) < len(trials):
        others = "saved" if len(signals.received) == 1 else "ended at once"
        say(
            f"stopped: {len(state.done)} of {plural(len(trials), 'trial')} done, and the others "
            f"{others}; the same command goes on: {_again(options)}"
        )
        return signals.status
    show_results(sheet, folder, places, title, console)
    for name, reason in state.failed.items():
        print(f"trial {name} {reason}: {_last_line(folder.log(name))}", file=sys.stderr)
    return 1 if state.failed else 0


def show_results(
    sheet: Sheet, folder: SweepFolder, places: Sequence[Place], title: str, console: Console
) -> None:
    """Print the table of a sweep, and write it and the picture."""
    found = results(sheet.cells, places, folder)
    page = table(found, title)
    console.width = max(console.width, width(page))
    page.print(console)
    write(folder.path / "table.md", page.markdown() + "\n")
    write(folder.path / "table.csv", as_csv(found))
    if finished := [each for each in found if each.finished]:
        plot(finished, title, folder.path / "sweep.png")
        picture = folder.path / "sweep.png"
        console.print(f"picture: {picture}", highlight=False, markup=False)


def _command(folder: SweepFolder, trial: str) -> tuple[str, ...]:
    run = (sys.executable, "-m", "experiments", "run", str(folder.config(trial)))
    return (*run, "--resume", "--out", str(folder.run(trial)))


def _again(options: argparse.Namespace) -> str:
    words = ["python", "-m", "experiments", "sweep", str(options.sheet)]
    words += ["--engine", options.engine] if options.engine != "local" else []
    words += ["--workers", str(options.workers)] if options.workers is not None else []
    words += ["--out", str(options.out)] if options.out is not None else []
    return shlex.join(words)


def _last_line(log: Path) -> str:
    """The last line that a trial printed, and where the others are."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{lines[-1] if lines else 'nothing was printed'} ({log})"
