"""Proofs of reliability: collected only where asked for by name, as `make reliability` does."""

import collections
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.named import is_named

Report = Callable[[str], None]
"""Takes a line of figures, shown when all proofs have run."""

AMOUNTS = {
    "documents": (10_000, 200, "hostile documents to load"),
    "kills": (100, 6, "kill -9 at random moments"),
    "terminations": (20, 4, "SIGTERM at random moments, and a quarter as many Ctrl-C"),
    "damaged": (
        1000,
        3,
        "files of a checkpoint to flip, truncate and delete, at most",
    ),
}
"""What an option counts: with all proofs, with `--short`, and in words."""


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """They take long: whatever runs all tests leaves them out."""
    return None if is_named(Path(__file__).parent, config) else True


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reliability")
    group.addoption("--short", action="store_true", help="each proof in small")
    for name, (most, few, what) in AMOUNTS.items():
        told = f"{what} (default: {most}, with --short {few})"
        group.addoption(f"--{name}", type=int, help=told)
    group.addoption("--random-seed", type=int, default=0, help="of the moments")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short(n): run n of its parameters with --short")
    for name, (most, few, _) in AMOUNTS.items():
        if config.getoption(name) is None:
            setattr(config.option, name, few if config.getoption("short") else most)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("short"):
        seen: collections.Counter[str] = collections.Counter()
        left_out = set()
        for item in items:
            seen[name := item.nodeid.partition("[")[0]] += 1
            if any(seen[name] > mark.args[0] for mark in item.iter_markers("short")):
                left_out.add(item)
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    return lambda line: record_property("figures", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = terminalreporter.getreports("passed")
    figures = [
        f"{each.nodeid.rpartition('::')[2]}: {line}"
        for each in passed
        for name, line in each.user_properties
        if name == "figures"
    ]
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.line(line)
