"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments.files import write
from experiments.sweep.options import add_engine, add_out, add_workers, command_of, means_of
from experiments.sweep.plot import plot
from experiments.sweep.results import Result
from experiments.sweep.sheet import load_sheet
from experiments.sweep.table import as_csv, table, width
from experiments.sweep.work import prepared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sweep`."""
    parser.add_argument("sheet", type=Path, metavar="SWEEP.yaml", help="which config, and cells")
    add_engine(parser)
    add_workers(parser)
    add_out(parser, "runs/sweeps/NAME, for NAME.yaml")


def sweep(options: argparse.Namespace, console: Console) -> int:
    """Train the cells of a sweep that have no result yet, then show them all.

    The exit status: 0, 1 where a trial failed, 130 or 143 after a signal. Raises ConfigError or
    BadInput before anything is run.
    """
    sheet = load_sheet(options.sheet)
    title = sheet.title or options.sheet.stem
    out = options.out or Path("runs", "sweeps", options.sheet.stem)
    with prepared(sheet, out, means_of(options)) as work:
        outcome = work.train(title, command_of(options, "sheet"), console)
        if outcome.stopped is not None:
            return outcome.stopped
        show_results(work.results(), work.folder.path, title, console)
        outcome.tell_failures(work.folder)
    return 1 if outcome.failed else 0


def show_results(found: Sequence[Result], out: Path, title: str, console: Console) -> None:
    """Print the table of a sweep, and write it and the picture."""
    page = table(found, title)
    console.width = max(console.width, width(page))
    page.print(console)
    write(out / "table.md", page.markdown() + "\n")
    write(out / "table.csv", as_csv(found))
    if finished := [each for each in found if each.finished]:
        plot(finished, title, out / "sweep.png")
        console.print(f"picture: {out / 'sweep.png'}", highlight=False, markup=False)
