"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments.build import build_task
from experiments.files import write
from experiments.page import put
from experiments.reproduce.picture import draw
from experiments.reproduce.rows import Row, collect
from experiments.reproduce.study import Recipe, Study, load_study
from experiments.reproduce.table import as_csv, summarised, table
from experiments.run.run import BadInput
from experiments.sweep.folder import SweepFolder
from experiments.sweep.options import (
    PLACES,
    add_engine,
    add_out,
    add_page,
    add_workers,
    check_page,
    command_of,
    means_of,
)
from experiments.sweep.origin import origin
from experiments.sweep.results import programs
from experiments.sweep.table import width
from experiments.sweep.trials import Trial
from experiments.sweep.work import check_cells, prepared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `reproduce`."""
    parser.add_argument(
        "study", help="a folder of configs/papers, as `list` names them, or a path to another"
    )
    parser.add_argument(
        "--recipe", nargs="+", metavar="NAME", help="left out, all, in alphabetical order"
    )
    parser.add_argument(
        "--rows", nargs="+", metavar="PATTERN", help='as in --rows "2c*"; left out, all'
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="instead of what the recipes say")
    add_engine(parser)
    add_workers(parser)
    add_out(parser, "runs/reproduce/STUDY; a folder a recipe")
    add_page(parser)


def reproduce(options: argparse.Namespace, console: Console) -> int:
    """Train the rows of a study that have no result yet, then hold all against the paper.

    The exit status: 0, 1 where a row falls short of the paper or a program failed, 130 or 143 after
    a signal. Raises ConfigError or BadInput before anything is run.
    """
    study = load_study(options.study).chosen(options.recipe, options.rows, options.seeds)
    out = options.out or Path("runs", "reproduce", study.name)
    check_page(options)
    check(study, out)
    well = True
    for recipe in study.recipes:
        name = f"{study.name}, {recipe.name}"
        with prepared(recipe.sheet, out / recipe.name, means_of(options)) as work:
            work = dataclasses.replace(work, trials=longest_first(work.trials))
            outcome = work.train(name, command_of(options, "study"), console)
            if outcome.stopped is not None:
                return outcome.stopped
            rows = collect(recipe, work)
            show(rows, study, recipe, work.folder, options, console)
            outcome.tell_failures(work.folder)
        well &= not outcome.failed and not any(row.shortfalls for row in rows)
    return 0 if well else 1


def check(study: Study, out: Path) -> None:
    """Hold that every recipe can be trained into its folder, before any is; BadInput if not."""
    for recipe in study.recipes:
        try:
            check_cells(recipe.sheet)
            SweepFolder(out / recipe.name)
        except (OSError, ValueError) as error:
            raise BadInput(str(error)) from error


def longest_first(trials: Sequence[Trial]) -> list[Trial]:
    """Those that may take most steps of time begin first, so that the last ones end together."""

    def steps(trial: Trial) -> int:
        train, lag = trial.experiment.train, build_task(trial.experiment).lag
        return len(trial.cells) * train.seeds * train.max_sequences * lag

    return sorted(trials, key=steps, reverse=True)


def show(
    rows: Sequence[Row],
    study: Study,
    recipe: Recipe,
    folder: SweepFolder,
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Print the table of a recipe, and write it and the picture."""
    title = recipe.sheet.title or f"{study.name}, {recipe.name}"
    command = command_of(options, "study", without=PLACES)
    seconds = programs(row.result for row in rows)
    summary = (summarised(rows), *origin(seconds, folder, command))
    page = table(rows, title, summary)
    console.width = max(console.width, width(page))
    page.print(console)
    picture = folder.path / "rows.png"
    draw(rows, title, picture)
    write(folder.path / "rows.md", page.markdown() + "\n")
    write(folder.path / "rows.csv", as_csv(rows))
    console.print(f"picture: {picture}", highlight=False, markup=False)
    if options.page is not None:
        put(options.page, f"{study.name} {recipe.name}", page.markdown(), picture)
