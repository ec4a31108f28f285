import pytest

from experiments.bench.peers import flax
from tests.experiments.bench.peers.live import EACH_WAY, checked


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "name, cells",
    [("linen", ["OptimizedLSTMCell"]), ("nnx", ["LSTMCell", "OptimizedLSTMCell"])],
)
def test_every_cell_each_way(name: str, cells: list[str]) -> None:
    assert checked(name, flax) == {f"{name} {cell}": EACH_WAY for cell in cells}
