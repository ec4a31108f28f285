"""Training on the adding problem as one writes it in PyTorch."""

from typing import Any

import jax
import numpy as np
import torch

from experiments.bench.peers.torch import DEVICE, finish, use_all_cores
from lstm_jax.interop import to_torch
from lstm_jax.layers import SequenceModel


class Loop:
    """An LSTM of `units`, a linear readout of its last output, Adam with torch's defaults."""

    def __init__(self, steps: int, batch_size: int, units: int, learning_rate: float) -> None:
        use_all_cores()
        self._steps, self._batch_size = steps, batch_size
        self._lstm = torch.nn.LSTM(2, units).to(DEVICE)
        self._readout = torch.nn.Linear(units, 1).to(DEVICE)
        parameters = [*self._lstm.parameters(), *self._readout.parameters()]
        self._optimizer = torch.optim.Adam(parameters, lr=learning_rate)

    def take_over(self, model: SequenceModel, params: Any) -> None:
        """Begin from weights of ours, torch's second bias held at zero.

        Where Adam trains both, their sum moves twice as fast as our one bias.
        """
        weights = to_torch(model.stack.layers[0], jax.tree.map(np.asarray, params.stack[0]))
        readout = {"weight": np.array(params.w_out.T), "bias": np.array(params.b_out)}
        for module, entries in ((self._lstm, weights), (self._readout, readout)):
            module.load_state_dict({key: torch.tensor(each) for key, each in entries.items()})
        self._lstm.bias_hh_l0.requires_grad_(False)

    def draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Sequences (T, B, 2) with one mark in each half, and the sums (B, 1) (arjovsky2016)."""
        shape, half = (self._steps, self._batch_size), self._steps // 2
        values = torch.rand(shape, device=DEVICE)
        first = torch.randint(half, (1, self._batch_size), device=DEVICE)
        second = torch.randint(half, self._steps, (1, self._batch_size), device=DEVICE)
        places = torch.cat([first, second])
        markers = torch.zeros(shape, device=DEVICE).scatter_(0, places, 1.0)
        return torch.stack([values, markers], dim=-1), values.gather(0, places).sum(0)[:, None]

    def learn(self, inputs: Any, targets: Any) -> float:
        """An update on the given data; the loss before it."""
        loss = self._learn(*(torch.as_tensor(a, device=DEVICE) for a in (inputs, targets)))
        return loss.item()

    def update(self) -> None:
        """An update on data drawn anew."""
        self._learn(*self.draw())
        finish()

    def _learn(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self._optimizer.zero_grad()
        prediction = self._readout(self._lstm(inputs)[0][-1])
        loss = torch.nn.functional.mse_loss(prediction, targets)
        loss.backward()
        self._optimizer.step()
        return loss
