import numpy as np
import pytest

pytest.importorskip("torch")

from experiments.bench.peers import torch_training
from experiments.bench.problem import WrongAnswer
from experiments.bench.training import Setting, check_losses
from lstm_jax.tasks import Adding

SMALL = Setting(T=20, B=3, H=4)


def test_it_trains_as_ours_does() -> None:
    check_losses(SMALL, torch_training)


def test_another_training_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch's second bias trained, too, Adam moves their sum twice as fast."""
    take_over = torch_training.Loop.take_over

    def with_both(self: torch_training.Loop, *ours: object) -> None:
        take_over(self, *ours)
        self._lstm.bias_hh_l0.requires_grad_(True)

    monkeypatch.setattr(torch_training.Loop, "take_over", with_both)
    with pytest.raises(WrongAnswer):
        check_losses(SMALL, torch_training)


def test_its_sequences_are_those_of_the_task() -> None:
    loop = torch_training.Loop(20, 500, 2, 1e-3)
    inputs, targets = (tensor.numpy() for tensor in loop.draw())
    values, markers = inputs[..., 0], inputs[..., 1]
    assert Adding("arjovsky2016", 20).input_size == inputs.shape[-1]
    assert set(np.unique(markers)) == {0.0, 1.0}
    assert (markers[:10].sum(0) == 1).all()
    assert (markers[10:].sum(0) == 1).all()
    assert (markers.sum(1) > 0).all()  # every step is marked in one of 500
    np.testing.assert_allclose((values * markers).sum(0)[:, None], targets, rtol=1e-6)
    assert 0 <= values.min() < 0.01
    assert 0.99 < values.max() < 1


def test_an_update_learns() -> None:
    loop = torch_training.Loop(20, 8, 4, 1e-3)
    before = loop._readout.weight.detach().clone()
    loop.update()
    assert (loop._readout.weight != before).any()
