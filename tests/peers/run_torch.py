"""A case in torch itself."""

from typing import Any

import numpy as np
import torch

from lstm_jax.cells import GRU, Elman
from lstm_jax.interop.entries import Arrays
from lstm_jax.interop.peer import places
from lstm_jax.layers import Bidirectional, Stack
from tests.lstm_jax.interop.cases import Call, Case, Result


def module(case: Case, inputs: int) -> torch.nn.RNNBase:
    first = places(case.layer)[0].cell
    layers = case.layer.layers if isinstance(case.layer, Stack) else (case.layer,)
    options: dict[str, Any] = {
        "num_layers": len(layers),
        "bidirectional": isinstance(layers[0], Bidirectional),
        "bias": case.options.get("bias", True),
    }
    if isinstance(first, Elman):
        return torch.nn.RNN(inputs, first.hidden_size, nonlinearity=first.activation, **options)
    if isinstance(first, GRU):
        return torch.nn.GRU(inputs, first.hidden_size, **options)
    projected = getattr(first, "projection_size", None) or 0
    return torch.nn.LSTM(inputs, first.hidden_size, proj_size=projected, **options)


def entries(case: Case, name: str, inputs: int) -> Arrays:
    """The weights as torch draws them, by its own names."""
    torch.manual_seed(0)
    return {key: leaf.numpy() for key, leaf in module(case, inputs).state_dict().items()}


def run(case: Case, name: str, weights: Arrays, call: Call, dtype: str = "float64") -> Result:
    net = module(case, call.xs.shape[-1]).to(getattr(torch, dtype))

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(np.asarray(array), dtype=getattr(torch, dtype))

    net.load_state_dict({key: tensor(leaf) for key, leaf in weights.items()})
    xs = tensor(call.xs).requires_grad_()
    ys, state = net(xs)
    states = dict(zip("hc", state, strict=True)) if isinstance(state, tuple) else {"h": state}
    loss = (ys * tensor(call.d_ys)).sum()
    for number, own in enumerate(call.d_final):
        for part, weight in own.items():
            loss = loss + (states[part][number] * tensor(weight)).sum()
    loss.backward()
    final = [
        {part: states[part][number].detach().numpy() for part in own}
        for number, own in enumerate(call.d_final)
    ]
    gradients = {key: leaf.grad.numpy() for key, leaf in net.named_parameters()}
    return Result(ys.detach().numpy(), final, xs.grad.numpy(), gradients)
