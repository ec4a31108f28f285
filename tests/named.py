"""Folders of tests that are collected only where they are asked for by name."""

from pathlib import Path

import pytest


def is_named(folder: Path, config: pytest.Config) -> bool:
    """Whether the command line names something in `folder`."""
    named = [config.invocation_params.dir / each.partition("::")[0] for each in config.args]
    return any(path.resolve().is_relative_to(folder) for path in named)
