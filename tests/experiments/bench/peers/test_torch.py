import pytest

pytest.importorskip("torch")

from experiments.bench.peers import torch
from experiments.run.environment import cores
from tests.experiments.bench.peers.live import checked


def test_on_all_cores() -> None:
    assert checked("torch", torch) == {"torch.nn.LSTM": [f"{cores()} threads"] * 2}
