"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments.build import build_task
from experiments.files import write
from experiments.page import put
from experiments.reproduce.origin import origin
from experiments.reproduce.picture import draw
from experiments.reproduce.rows import Row, collect
from experiments.reproduce.study import Recipe, Study, load_study
from experiments.reproduce.table import as_csv, summarised, table
from experiments.run.run import BadInput
from experiments.sweep.engines import ENGINES
from experiments.sweep.folder import SweepFolder
from experiments.sweep.table import width
from experiments.sweep.trials import Trial
from experiments.sweep.work import Means, check_cells, prepared


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
    parser.add_argument("--engine", default="local", help=f"{' | '.join(ENGINES)}; default: local")
    parser.add_argument("--workers", type=int, metavar="N", help="programs that run at once")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: runs/reproduce/STUDY; a folder a recipe"
    )
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="put tables and pictures on this page as well"
    )


def reproduce(options: argparse.Namespace, console: Console) -> int:
    """Train the rows of a study that have no result yet, then hold all against the paper.

    The exit status: 0, 1 where a row falls short of the paper or a program failed, 130 or 143 after
    a signal. Raises ConfigError or BadInput before anything is run.
    """
    study = load_study(options.study).chosen(options.recipe, options.rows, options.seeds)
    out = options.out or Path("runs", "reproduce", study.name)
    if options.page is not None and options.page.is_dir():
        raise BadInput(f"--page {options.page}: it is a directory; name a file")
    check(study, out)
    well = True
    for recipe in study.recipes:
        name = f"{study.name}, {recipe.name}"
        means = Means(options.engine, options.workers)
        with prepared(recipe.sheet, out / recipe.name, means) as work:
            work = dataclasses.replace(work, trials=longest_first(work.trials))
            outcome = work.train(name, command_of(options), console)
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
    summary = (summarised(rows), *origin(rows, folder, command_of(options, again=False)))
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


def command_of(options: argparse.Namespace, again: bool = True) -> str:
    """The command that was given: to go on, or, as tables show it, without what changes nothing."""
    words = ["python", "-m", "experiments", "reproduce", options.study]
    words += ["--recipe", *options.recipe] if options.recipe is not None else []
    words += ["--rows", *options.rows] if options.rows is not None else []
    words += ["--seeds", str(options.seeds)] if options.seeds is not None else []
    words += ["--engine", options.engine] if options.engine != "local" else []
    words += ["--workers", str(options.workers)] if options.workers is not None else []
    if again:
        words += ["--out", str(options.out)] if options.out is not None else []
        words += ["--page", str(options.page)] if options.page is not None else []
    return shlex.join(words)
