"""How this room runs: what is compiled for one test is remembered for the next."""

from collections.abc import Iterator
from unittest.mock import Mock

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def clear_caches() -> Iterator[Mock]:
    """JAX's caches stay full, where a benchmark would time how long they take to be filled."""
    with pytest.MonkeyPatch.context() as patch:
        mock = Mock()
        patch.setattr(jax, "clear_caches", mock)
        yield mock
