"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
from pathlib import Path

from rich.console import Console

from experiments.files import write
from experiments.frontier.climb import Climb, climb
from experiments.frontier.picture import draw
from experiments.frontier.study import Study, study_of
from experiments.frontier.table import as_csv, tables
from experiments.page import put
from experiments.run.run import BadInput
from experiments.sweep.folder import SweepFolder
from experiments.sweep.options import (
    PLACES,
    add_out,
    add_page,
    add_workers,
    check_page,
    command_of,
    means_of,
)
from experiments.sweep.origin import origin
from experiments.sweep.sheet import load_sheet
from experiments.sweep.table import width

STUDY = Path(__file__).parents[2] / "configs" / "studies" / "lag_frontier.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `frontier`."""
    parser.add_argument(
        "study", nargs="?", type=Path, metavar="STUDY.yaml",
        help="another sweep of tasks and models; default: configs/studies/lag_frontier.yaml",
    )  # fmt: skip
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="these alone")
    parser.add_argument("--longest", type=int, metavar="LAG", help="no lag beyond this one")
    parser.add_argument("--seeds", type=int, metavar="N", help="default: as the study has it")
    add_workers(parser)
    add_out(parser, "runs/frontier/NAME")
    add_page(parser)


def frontier(options: argparse.Namespace, console: Console) -> int:
    """Train what has no result yet, lag by lag, then show how far each model came.

    The exit status: 0, 1 where a trial failed, 130 or 143 after a signal. Raises ConfigError or
    BadInput before anything is run.
    """
    path = options.study or STUDY
    sheet = load_sheet(path)
    try:
        if options.seeds is not None:
            sheet = sheet.with_seeds(options.seeds)
        study = study_of(sheet).among(options.tasks, options.longest)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
    check_page(options)
    out = options.out or Path("runs", "frontier", path.stem)
    found = climb(study, out, means_of(options), command_of(options, "study"), console)
    if found.stopped is not None:
        return found.stopped
    show(study, path.stem, found, out, options, console)
    return 1 if found.failed else 0


def show(
    study: Study,
    name: str,
    found: Climb,
    out: Path,
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Print the tables, and write them and the picture, on a page as well where one is named."""
    title = study.sheet.title or name
    command = command_of(options, "study", without=PLACES)
    shown = tables(study, found.best, origin(found.programs, SweepFolder(out), command))
    console.width = max(console.width, *map(width, shown))
    for each in shown:
        each.print(console)
    text = "\n\n".join(each.markdown() for each in shown)
    write(out / "frontier.md", text + "\n")
    write(out / "frontier.csv", as_csv(study, found.best))
    draw(study, found.best, title, out / "frontier.png")
    console.print(f"picture: {out / 'frontier.png'}", highlight=False, markup=False)
    if options.page is not None:
        put(options.page, name, text, out / "frontier.png")
