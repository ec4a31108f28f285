"""A case in haiku itself."""

from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from lstm_jax.cells import LSTM, Cell, Elman
from lstm_jax.interop.entries import Arrays
from lstm_jax.layers import Stack
from tests.lstm_jax.interop.cases import BATCH, STEPS, Call, Case, Result
from tests.peers.run_jax import differentiated


def core(layer: Any) -> hk.RNNCore:
    if isinstance(layer, Stack):
        return hk.DeepRNN([core(each) for each in layer.layers])
    if isinstance(layer, Elman):
        return hk.VanillaRNN(layer.hidden_size)
    return (hk.LSTM if isinstance(layer, LSTM) else hk.GRU)(layer.hidden_size)


def transformed(case: Case) -> hk.Transformed:
    def run(xs: Any) -> Any:
        net = core(case.layer)
        ys, final = hk.dynamic_unroll(net, xs, net.initial_state(xs.shape[1]))
        states = [final] if isinstance(case.layer, Cell) else final
        return ys, [
            {"h": state.hidden, "c": state.cell} if hasattr(state, "cell") else {"h": state}
            for state in states
        ]

    return hk.without_apply_rng(hk.transform(run))


def entries(case: Case, name: str, inputs: int) -> Any:
    """The weights as haiku draws them, by its own names."""
    return transformed(case).init(jax.random.key(0), jnp.zeros((STEPS, BATCH, inputs)))


def run(case: Case, name: str, weights: Arrays, call: Call, dtype: str = "float64") -> Result:
    nested: dict[str, Any] = {}
    for key, leaf in weights.items():
        module, _, last = key.rpartition("/")
        nested.setdefault(module, {})[last] = leaf
    return differentiated(transformed(case).apply, nested, call, dtype)
