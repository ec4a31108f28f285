"""The subcommand: what it takes, and what it says."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from experiments.files import write
from experiments.report.figures.style import names_in
from experiments.report.gather import NoRun, Subject, gather, names_of
from experiments.report.whole import compose
from experiments.run.run import BadInput
from experiments.sweep.command import sweep
from experiments.sweep.options import add_out, add_workers
from experiments.words import plural

CELLS = Path(__file__).parents[2] / "configs" / "sweeps" / "compare_cells.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run directory, or that of a sweep"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html",
        help="default: report.html in the only run, else runs/reports/NAME-NAME.html",
    )


def report(options: argparse.Namespace, console: Console) -> int:
    """Write a page about runs and say where it is; the exit status.

    Raises BadInput for a path that is no run, and for a page that cannot be written.
    """
    out = options.out or default_path(options.runs)
    try:
        subject = gather(options.runs)
        hold_writable(out)
        write_report(subject, out, console)
    except NoRun as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(
            f"{error.filename or out} cannot be read or written: {error.strerror}"
        ) from error
    return 0


def add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compare_cells`."""
    parser.add_argument(
        "sheet", nargs="?", type=Path, default=CELLS, metavar="SWEEP.yaml",
        help="another sweep; default: configs/sweeps/compare_cells.yaml",
    )  # fmt: skip
    add_workers(parser)
    add_out(parser, "runs/sweeps/NAME")


def compare_cells(options: argparse.Namespace, console: Console) -> int:
    """Train the cells of a sweep that have no result yet, then write a page about all of them.

    The exit status is that of the sweep; a sweep that was stopped has no page.
    """
    options.out = options.out or Path("runs", "sweeps", options.sheet.stem)
    status = sweep(options, console)
    if status in (0, 1):
        report(argparse.Namespace(runs=[options.out], out=None), console)
    return status


def default_path(runs: list[Path]) -> Path:
    """Where the page goes: into the only run or sweep, or below `runs/`."""
    if len(runs) == 1:
        return runs[0] / "report.html"
    name = "-".join(each.replace("/", "-") for each in names_of(runs))
    return Path("runs", "reports", f"{name[:100]}.html")


def hold_writable(out: Path) -> None:
    """Find out before the work whether the page can be written; BadInput or OSError if not."""
    if out.suffix not in (".html", ".htm"):
        raise BadInput(f"--out is {str(out)!r}; expected a file that ends in .html")
    if out.is_dir():
        raise BadInput(f"--out is {str(out)!r}, a directory; expected a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise BadInput(f"{out.parent} cannot be written to; name a file elsewhere with --out")


def write_report(subject: Subject, out: Path, console: Console) -> None:
    """Write the page and its pictures, and tell where they are and what they lack.

    Pictures of the page that stood there before, which this one does not have, are removed.
    """
    earlier = names_in(out.read_text("utf-8", "replace")) if out.exists() else []
    page, pictures = compose(subject, out, console)
    for path in {out.with_suffix("") / f"{name}.png" for name in earlier} - set(pictures):
        path.unlink(missing_ok=True)
    write(out, page)
    for sentence in subject.missing:
        print(f"missing: {sentence}", file=sys.stderr)
    size = out.stat().st_size / 1e6
    say = f"report: {out} ({size:.1f} MB)"
    if pictures:
        say += f"\npictures: {plural(len(pictures), 'PNG')} in {pictures[0].parent}"
    console.print(say, highlight=False, markup=False)
