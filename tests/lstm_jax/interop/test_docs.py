"""The examples of docs/interop.md run; those that import a framework, in `tests/peers`."""

import pytest

from tests.lstm_jax.interop.cases import EXAMPLES, NEEDS_PEERS


@pytest.mark.parametrize("example", [each for each in EXAMPLES if not NEEDS_PEERS.search(each)])
def test_examples_run(example: str) -> None:
    exec(compile(example, "interop.md", "exec"), {"__name__": "interop"})
