"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
import shlex
from pathlib import Path

from rich.console import Console

from experiments.bench.hardware import surroundings, told
from experiments.files import write
from experiments.frontier.climb import Climb, climb
from experiments.frontier.picture import draw
from experiments.frontier.study import Study, study_of
from experiments.frontier.table import as_csv, tables
from experiments.page import put
from experiments.run.run import BadInput
from experiments.sweep.sheet import load_sheet
from experiments.sweep.table import width
from experiments.sweep.work import Means
from experiments.words import duration

STUDY = Path(__file__).parents[2] / "configs" / "studies" / "lag_frontier.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `frontier`."""
    parser.add_argument(
        "study", nargs="?", type=Path, default=STUDY, metavar="STUDY.yaml",
        help="another sweep of tasks and models; default: configs/studies/lag_frontier.yaml",
    )  # fmt: skip
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="these alone")
    parser.add_argument("--longest", type=int, metavar="LAG", help="no lag beyond this one")
    parser.add_argument("--seeds", type=int, metavar="N", help="default: as the study has it")
    parser.add_argument("--workers", type=int, metavar="N", help="trials that run at once")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/frontier/NAME")
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="put tables and picture into this page too"
    )


def frontier(options: argparse.Namespace, console: Console) -> int:
    """Train what has no result yet, lag by lag, then show how far each model came.

    The exit status: 0, 1 where a trial failed, 130 or 143 after a signal. Raises ConfigError or
    BadInput before anything is run.
    """
    sheet = load_sheet(options.study)
    try:
        if options.seeds is not None:
            sheet = sheet.with_seeds(options.seeds)
        study = study_of(sheet).among(options.tasks, options.longest)
    except ValueError as error:
        raise BadInput(f"{options.study}: {error}") from error
    if options.page is not None and options.page.is_dir():
        raise BadInput(f"--page {options.page}: it is a directory; name a file")
    out = options.out or Path("runs", "frontier", options.study.stem)
    found = climb(study, out, Means(workers=options.workers), command_of(options), console)
    if found.stopped is not None:
        return found.stopped
    show(study, found, out, options, console)
    return 1 if found.failed else 0


def show(
    study: Study, found: Climb, out: Path, options: argparse.Namespace, console: Console
) -> None:
    """Print the tables, and write them and the picture, on a page as well where one is named."""
    title = study.sheet.title or options.study.stem
    shown = tables(study, found.best)
    console.width = max(console.width, *map(width, shown))
    for each in shown:
        each.print(console)
    made = (
        f"Made by `{command_of(options, again=False)}`: {duration(found.seconds)} of work in "
        f"programs that had a share of {told(surroundings([]))}"
    )
    console.print(made, highlight=False, markup=False)
    text = "\n\n".join([*(each.markdown() for each in shown), made])
    write(out / "frontier.md", text + "\n")
    write(out / "frontier.csv", as_csv(study, found.best))
    draw(study, found.best, title, out / "frontier.png")
    console.print(f"picture: {out / 'frontier.png'}", highlight=False, markup=False)
    if options.page is not None:
        put(options.page, options.study.stem, text, out / "frontier.png")


def command_of(options: argparse.Namespace, again: bool = True) -> str:
    """The command that was given: to go on, or, as tables show it, without what changes nothing."""
    words = ["python", "-m", "experiments", "frontier"]
    words += [str(options.study)] if options.study != STUDY else []
    words += ["--tasks", *options.tasks] if options.tasks else []
    for name in ("longest", "seeds", *(("workers", "out", "page") if again else ())):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)
