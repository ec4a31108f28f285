"""Proofs of reliability: collected only where asked for by name, as `make reliability` does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.named import is_named

Report = Callable[[str], None]
"""Takes a line of figures, shown when all proofs have run."""

_FIGURES = pytest.StashKey[list[str]]()


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """They take long: whatever runs all tests leaves them out."""
    return None if is_named(Path(__file__).parent, config) else True


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reliability")
    group.addoption("--documents", type=int, default=10_000, help="hostile documents to load")
    group.addoption("--kills", type=int, default=100, help="kill -9 at random moments")
    group.addoption("--terminations", type=int, default=20, help="SIGTERM at random moments")
    group.addoption("--random-seed", type=int, default=0, help="of the moments")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


@pytest.fixture
def report(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Report:
    return lambda line: pytestconfig.stash[_FIGURES].append(f"{request.node.name}: {line}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[_FIGURES]:
            terminalreporter.line(line)
