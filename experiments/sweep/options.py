"""The options that commands of many programs share, and the command that they came in."""

import argparse
import shlex
from collections.abc import Collection
from pathlib import Path

from experiments.run.run import BadInput
from experiments.sweep.engines import ENGINES
from experiments.sweep.work import Means

PLACES = ("out", "page")
"""Options on which no figure depends."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """By what programs run."""
    parser.add_argument("--engine", help=f"{' | '.join(ENGINES)}; default: local")


def add_workers(parser: argparse.ArgumentParser) -> None:
    """How many at once."""
    parser.add_argument("--workers", type=int, metavar="N", help="trials that run at once")


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """Where all that is found goes; the default in words."""
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"default: {default}")


def add_page(parser: argparse.ArgumentParser) -> None:
    """Where what is shown goes as well."""
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="put tables and pictures on this page as well"
    )


def means_of(options: argparse.Namespace) -> Means:
    """By what, and how many at once, as far as the command can be told."""
    return Means(getattr(options, "engine", None) or Means().engine, options.workers)


def check_page(options: argparse.Namespace) -> None:
    """BadInput for a page that is no file."""
    if options.page is not None and options.page.is_dir():
        raise BadInput(f"--page {options.page}: it is a directory; name a file")


def command_of(options: argparse.Namespace, positional: str, without: Collection[str] = ()) -> str:
    """The command that was given, all of it or without the options named.

    >>> given = argparse.Namespace(command="sweep", sheet="a b.yaml", workers=2, out=None)
    >>> command_of(given, "sheet"), command_of(given, "sheet", without=["workers"])
    ("python -m experiments sweep 'a b.yaml' --workers 2", "python -m experiments sweep 'a b.yaml'")
    """
    words = ["python", "-m", "experiments", options.command]
    for name, value in vars(options).items():
        if value is not None and name not in ("command", *without):
            words += [] if name == positional else [f"--{name}"]
            words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)
