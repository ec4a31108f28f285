"""What there is: tasks, cells, executors, optimisers, configs and studies, a line each."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.config import ConfigError, load
from experiments.config.schema import SCHEMA
from experiments.reproduce.study import recipe_files, studies
from experiments.sweep.sheet import is_sheet, load_sheet
from lstm_jax.executors import EXECUTORS

CONFIGS = Path(__file__).parent.parent / "configs"


def print_catalogue(console: Console) -> None:
    """Print every name that configs and the command line know."""
    for heading, entries in _sections():
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        for name, description in entries:
            table.add_row(Text(name), Text(description))
        console.print(heading, style="bold")
        console.print(table)


def _sections() -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    registries = {"tasks": SCHEMA.tasks, "cells": SCHEMA.cells, "executors": EXECUTORS}
    registries["optimizers"] = SCHEMA.optimizers
    for heading, registry in registries.items():
        yield heading, [(name, first_line(entry)) for name, entry in registry.items()]
    yield "configs", [(str(path), _title(path)) for path in config_files()]
    if found := studies(CONFIGS / "papers"):
        yield "studies", [(name, _recipes(folder)) for name, folder in found.items()]


def config_files() -> list[Path]:
    """Every config of the checkout and every sweep of them, as a path from here."""
    here = Path.cwd()
    found = sorted(CONFIGS.rglob("*.yaml"))
    return [path.relative_to(here) if path.is_relative_to(here) else path for path in found]


def first_line(entry: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(entry) or "").partition("\n")[0]


def _title(path: Path) -> str:
    try:
        return load_sheet(path).title if is_sheet(path) else load(path).title
    except ConfigError as error:
        return f"cannot be read: {error.faults[0]}"


def _recipes(folder: Path) -> str:
    return f"recipes: {', '.join(path.stem for path in recipe_files(folder))}"
