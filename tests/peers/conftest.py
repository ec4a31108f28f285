"""The frameworks themselves: collected only where asked for by name, as `make test-peers` does."""

import os
from pathlib import Path

import pytest

from tests.named import is_named

# Read when keras is imported. On torch its LSTM keeps float64; on JAX its tanh rounds to float32.
os.environ["KERAS_BACKEND"] = "torch"


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Whatever runs all tests must not need the frameworks."""
    return None if is_named(Path(__file__).parent, config) else True
