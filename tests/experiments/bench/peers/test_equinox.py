import pytest

pytest.importorskip("equinox")

from experiments.bench.peers import equinox
from tests.experiments.bench.peers.live import EACH_WAY, checked


def test_each_way() -> None:
    assert checked("equinox", equinox) == {"equinox LSTMCell": EACH_WAY}
