"""Holds the house to its plan: who may import whom, and what every file owes its reader.

Reads the sources with `ast` and imports nothing of them. `MAY_IMPORT` is the plan; a new
room of `lstm_jax` joins with a row in it.
"""

import ast
import functools
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

RUN = {"checks", "noise", "sequence", "cells", "executors"}
MODEL = RUN | {"initializers", "arguments", "unroll", "layers"}

MAY_IMPORT: dict[str, set[str]] = {
    "checks": set(),
    "dependence": set(),
    "initializers": {"checks"},
    "noise": set(),
    "sharding": {"noise"},
    "sequence": {"checks"},
    "cells": {"checks", "initializers", "noise"},
    "executors": {"checks", "dependence", "noise", "sequence", "cells"},
    "arguments": {"cells", "noise"},
    "unroll": RUN | {"arguments", "sharding"},
    "layers": RUN | {"initializers", "arguments", "sharding", "unroll"},
    "nnx": MODEL,
    "linen": MODEL,
    "interop": {"checks", "initializers", "cells", "arguments", "layers"},
    "diagnostics": MODEL | {"tasks"},
    "tasks": {"checks"},
    "training": {"checks", "dependence", "noise", "tasks"},
}
"""Room of `lstm_jax` -> the other rooms it may import: cells <- executors <- unroll <- layers
<- wrappers, and tasks <- training, which receives its model as functions."""

FORBIDDEN = {
    *("os", "pathlib", "io", "sys", "time", "datetime", "logging"),
    *("rich", "matplotlib", "yaml", "ruamel", "pydantic"),
    *("experiments", "tests"),
}
"""What `lstm_jax` never imports: files, clock, terminal, YAML, plots, and those who use it."""

MAX_LINES = 400

INTERFACES = {"__init__", "base"}
"""Files tested through those who keep what they promise."""


class Import(NamedTuple):
    """One imported module or name, and where."""

    line: int
    target: str
    inside_function: bool


def imports(name: str, source: str, *, package: bool = False) -> list[Import]:
    """All that a module imports, as absolute dotted names; `from a import b` gives a.b."""
    found: list[Import] = []

    def visit(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(node.lineno, alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".") if package else name.split(".")[:-1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            found.extend(Import(node.lineno, f"{base}.{a.name}", inside) for a in node.names)
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(source), False)
    return found


def room(module: str) -> str:
    """The first name below `lstm_jax`; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def owner(target: str, modules: Mapping[str, object]) -> str | None:
    """The module of ours that an import loads: the target, or the one it is a name of."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return target or None


def faults(sources: Mapping[str, str], packages: set[str]) -> Iterator[str]:
    """What breaks the plan among modules given as dotted name -> source."""
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        library = name.split(".")[0] == "lstm_jax"
        here = room(name)
        if library and here and here not in MAY_IMPORT:
            yield f"{name}: the room {here!r} has no row in MAY_IMPORT"
        for line, target, inside_function in imports(name, source, package=name in packages):
            loaded = owner(target, sources)
            if loaded is not None and loaded != name:
                graph.setdefault(name, set()).add(loaded)
            if not library:
                if target.split(".")[0] == "tests":
                    yield f"{name}:{line}: imports {target}"
                continue
            if target.split(".")[0] in FORBIDDEN:
                yield f"{name}:{line}: lstm_jax must not import {target}"
            if inside_function:
                yield f"{name}:{line}: imports {target} inside a function"
            if here and here in MAY_IMPORT and loaded is not None:
                there = room(loaded)
                if there != here and there not in MAY_IMPORT[here]:
                    yield f"{name}:{line}: {here} must not import {there or 'lstm_jax'} ({target})"
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"cycle: {' <- '.join(error.args[1])}"


@functools.cache
def files() -> dict[str, Path]:
    """Every module of the two code folders by its dotted name."""
    found = {}
    for folder in ("lstm_jax", "experiments"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def test_imports_run_one_way() -> None:
    sources = {name: path.read_text("utf-8") for name, path in files().items()}
    packages = {name for name, path in files().items() if path.name == "__init__.py"}
    assert list(faults(sources, packages)) == []


def test_every_file_says_what_it_is_for() -> None:
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in files().items()}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_every_file_reads_in_one_sitting() -> None:
    lines = {name: path.read_text("utf-8").count("\n") for name, path in files().items()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_tests_mirror_the_code() -> None:
    owed = []
    for path in files().values():
        file = path.relative_to(ROOT)
        mirror = Path("tests", file.parent, f"test_{file.stem.strip('_')}.py")
        if file.stem not in INTERFACES and not (ROOT / mirror).exists():
            owed.append(str(mirror))
    assert owed == []


SOUND = {
    "lstm_jax": "from lstm_jax.cells import LSTM",
    "lstm_jax.checks": "import dataclasses",
    "lstm_jax.cells": "from lstm_jax.cells.lstm import LSTM",
    "lstm_jax.cells.lstm": "from lstm_jax import checks\nfrom lstm_jax.checks import named",
    "lstm_jax.executors": "from . import scan",
    "lstm_jax.executors.scan": "from lstm_jax.cells import LSTM",
    "lstm_jax.tasks": "import numpy.random",
    "lstm_jax.training": "from lstm_jax import tasks",
    "experiments": "import pathlib\nfrom lstm_jax import LSTM\ndef plot():\n    import matplotlib",
}
PACKAGES = {"lstm_jax", "lstm_jax.cells", "lstm_jax.executors", "lstm_jax.tasks", "experiments"}


def test_checker_accepts_a_sound_house() -> None:
    assert list(faults(SOUND, PACKAGES)) == []


@pytest.mark.parametrize(
    "module, source, complaint",
    [
        ("lstm_jax.cells.lstm", "import lstm_jax.executors.scan", "cells must not import exec"),
        ("lstm_jax.cells.lstm", "from ..executors import scan", "cells must not import executors"),
        ("lstm_jax.cells.lstm", "from lstm_jax import LSTM", "cells must not import lstm_jax"),
        ("lstm_jax.training", "from lstm_jax.cells import LSTM", "training must not import cells"),
        ("lstm_jax.tasks", "from lstm_jax import training", "tasks must not import training"),
        ("lstm_jax.tasks", "import os.path", "must not import os.path"),
        ("lstm_jax.tasks", "from pathlib import Path", "must not import pathlib.Path"),
        ("lstm_jax.tasks", "from experiments import run", "must not import experiments.run"),
        ("lstm_jax.tasks", "if True:\n    import io", "must not import io"),
        ("lstm_jax.tasks", "def f():\n    import numpy", "inside a function"),
        ("lstm_jax.cells.lstm", "from lstm_jax.cells import LSTM", "cycle: "),
        ("lstm_jax.cells.lstm", "from . import LSTM", "cycle: "),
        ("lstm_jax.garage", "import dataclasses", "no row in MAY_IMPORT"),
        ("experiments", "from tests import conftest", "imports tests.conftest"),
    ],
)
def test_checker_catches_a_violation(module: str, source: str, complaint: str) -> None:
    assert any(complaint in fault for fault in faults(SOUND | {module: source}, PACKAGES))
