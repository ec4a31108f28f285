import pytest

from tests.lstm_jax.interop.cases import EXAMPLES, NEEDS_PEERS

pytestmark = pytest.mark.usual_promotion


@pytest.mark.parametrize("example", [each for each in EXAMPLES if NEEDS_PEERS.search(each)])
def test_examples_run(example: str) -> None:
    exec(compile(example, "interop.md", "exec"), {"__name__": "interop"})
