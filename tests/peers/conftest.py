"""The frameworks themselves: collected only where asked for by name, as `make test-peers` does."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Read when keras is imported. On torch its LSTM keeps float64; on JAX its tanh rounds to float32.
os.environ["KERAS_BACKEND"] = "torch"


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Whatever runs all tests must not need the frameworks."""
    named = [config.invocation_params.dir / each.partition("::")[0] for each in config.args]
    return None if any(path.resolve().is_relative_to(HERE) for path in named) else True
