"""A case in keras itself, on its torch backend."""

from typing import Any

import keras
import numpy as np
import torch

from lstm_jax.cells import GRU, Cell, Elman, ResetFirstGRU
from lstm_jax.interop.entries import Arrays, flatten
from lstm_jax.layers import Bidirectional, Layer, Stack
from tests.lstm_jax.interop.cases import BATCH, STEPS, Call, Case, Result


def module(layer: Cell | Layer, **options: Any) -> keras.Layer:
    if isinstance(layer, Stack):
        return keras.Sequential([module(each, **options) for each in layer.layers])
    if isinstance(layer, Bidirectional):
        pair = [module(layer.forward, **options)]
        pair.append(module(layer.backward, go_backwards=True, **options))
        merge = None if layer.merge == "none" else layer.merge
        return keras.layers.Bidirectional(
            pair[0], backward_layer=pair[1], merge_mode=merge, dtype=options["dtype"]
        )
    options["return_sequences"] = True
    if isinstance(layer, Elman):
        return keras.layers.SimpleRNN(layer.hidden_size, activation=layer.activation, **options)
    if isinstance(layer, GRU | ResetFirstGRU):
        after = isinstance(layer, GRU)
        return keras.layers.GRU(layer.hidden_size, reset_after=after, **options)
    return keras.layers.LSTM(layer.output_size, **options)


def built(case: Case, inputs: int, dtype: str) -> keras.Layer:
    options: dict[str, Any] = {"dtype": dtype, "use_bias": case.options.get("bias", True)}
    if isinstance(case.layer, Cell):
        options["return_state"] = True
    net = module(case.layer, **options)
    net(np.zeros((BATCH, STEPS, inputs), dtype))
    return net


def variables(net: keras.Layer) -> dict[Any, Any]:
    """A layer's variables by name, those of a wrapper under the names of its attributes."""
    if isinstance(net, keras.Sequential):
        return {number: variables(each) for number, each in enumerate(net.layers)}
    if isinstance(net, keras.layers.Bidirectional):
        return {key: variables(getattr(net, key)) for key in ("forward_layer", "backward_layer")}
    return {variable.name: variable for variable in net.trainable_variables}


def entries(case: Case, name: str, inputs: int) -> dict[str, Any]:
    """The weights as keras draws them, by its own names."""
    flat = flatten(variables(built(case, inputs, "float32")))
    return {key: variable.value.detach().numpy() for key, variable in flat.items()}


def run(case: Case, name: str, weights: Arrays, call: Call, dtype: str = "float64") -> Result:
    net = built(case, call.xs.shape[-1], dtype)
    own = flatten(variables(net))
    for key, variable in own.items():
        variable.assign(weights[key])

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, dtype=getattr(torch, dtype))

    xs = tensor(call.xs).requires_grad_()
    out = net(xs.swapaxes(0, 1))
    ys, *state = out if isinstance(case.layer, Cell) else (out,)
    ys, final = ys.swapaxes(0, 1), [dict(zip("hc", state, strict=False))] if state else []
    loss = (ys * tensor(call.d_ys)).sum()
    for after, weight in zip(final, call.d_final, strict=True):
        loss = loss + sum((after[part] * tensor(weight[part])).sum() for part in after)
    loss.backward()
    return Result(
        ys.detach().numpy(),
        [{part: leaf.detach().numpy() for part, leaf in after.items()} for after in final],
        xs.grad.numpy(),
        {key: variable.value.grad.numpy() for key, variable in own.items()},
    )
