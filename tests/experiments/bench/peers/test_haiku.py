import pytest

pytest.importorskip("haiku")

from experiments.bench.peers import haiku
from tests.experiments.bench.peers.live import EACH_WAY, checked


def test_each_way() -> None:
    assert checked("haiku", haiku) == {"haiku LSTM": EACH_WAY}
