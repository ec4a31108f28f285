"""A case in flax itself: nnx or linen."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, nnx

from lstm_jax.cells import GRU, LSTM, Cell, Elman
from lstm_jax.interop.entries import Arrays, nest
from lstm_jax.layers import Bidirectional, Layer, Stack
from tests.lstm_jax.interop.cases import BATCH, STEPS, Call, Case, Result
from tests.peers.run_jax import differentiated, lstm_or_not

PHI = {"tanh": jnp.tanh, "relu": jax.nn.relu}


def nnx_cell(cell: Cell, inputs: int, optimized: bool, dtype: Any) -> nnx.RNNCellBase:
    options: dict[str, Any] = {"rngs": nnx.Rngs(0), "param_dtype": dtype, "dtype": dtype}
    if isinstance(cell, Elman):
        phi = PHI[cell.activation]
        return nnx.SimpleCell(inputs, cell.hidden_size, activation_fn=phi, **options)
    if isinstance(cell, GRU):
        return nnx.GRUCell(inputs, cell.hidden_size, **options)
    assert isinstance(cell, LSTM)
    kind = nnx.OptimizedLSTMCell if optimized else nnx.LSTMCell
    return kind(inputs, cell.hidden_size, **options)


def nnx_module(layer: Cell | Layer, inputs: int, optimized: bool, dtype: Any) -> nnx.Module:
    if isinstance(layer, Cell):
        return nnx.RNN(nnx_cell(layer, inputs, optimized, dtype), time_major=True)
    if isinstance(layer, Bidirectional):
        pair = [
            nnx_module(each, inputs, optimized, dtype) for each in (layer.forward, layer.backward)
        ]
        return nnx.Bidirectional(*pair, time_major=True)
    assert isinstance(layer, Stack)
    sizes = [inputs, *(each.output_size for each in layer.layers)]
    each = zip(layer.layers, sizes, strict=False)
    return nnx.Sequential(*(nnx_module(one, size, optimized, dtype) for one, size in each))


def linen_cell(cell: Cell, optimized: bool, dtype: Any) -> linen.RNNCellBase:
    options: dict[str, Any] = {"param_dtype": dtype, "dtype": dtype}
    if isinstance(cell, Elman):
        return linen.SimpleCell(cell.hidden_size, activation_fn=PHI[cell.activation], **options)
    if isinstance(cell, GRU):
        return linen.GRUCell(cell.hidden_size, **options)
    assert isinstance(cell, LSTM)
    kind = linen.OptimizedLSTMCell if optimized else linen.LSTMCell
    return kind(cell.hidden_size, **options)


def linen_module(layer: Cell | Layer, optimized: bool, dtype: Any) -> linen.Module:
    if isinstance(layer, Cell):
        return linen.RNN(linen_cell(layer, optimized, dtype), time_major=True)
    if isinstance(layer, Bidirectional):
        pair = [linen_module(each, optimized, dtype) for each in (layer.forward, layer.backward)]
        return linen.Bidirectional(*pair, time_major=True)
    assert isinstance(layer, Stack)
    return linen.Sequential([linen_module(each, optimized, dtype) for each in layer.layers])


def entries(case: Case, name: str, inputs: int) -> Any:
    """The weights as flax draws them, by its own names."""
    if name.startswith("nnx"):
        module = nnx_module(case.layer, inputs, case.options.get("optimized", True), "float32")
        state = nnx.to_pure_dict(nnx.state(module, nnx.Param))
    else:
        module = linen_module(case.layer, "optimized" in name, "float32")
        state = module.init(jax.random.key(0), jnp.zeros((STEPS, BATCH, inputs)))["params"]
    return state["cell"] if isinstance(case.layer, Cell) else state


def run(case: Case, name: str, weights: Arrays, call: Call, dtype: str = "float64") -> Result:
    nested = nest(weights)
    single = isinstance(case.layer, Cell)
    options = {"return_carry": True} if single else {}

    def apply(nested: Any, xs: Any) -> Any:
        nested = {"cell": nested} if single else nested
        if name.startswith("nnx"):
            optimized = case.options.get("optimized", True)
            module = nnx_module(case.layer, xs.shape[-1], optimized, dtype)
            state = nnx.state(module, nnx.Param)
            nnx.replace_by_pure_dict(state, nested)
            nnx.update(module, state)
            out = module(xs, **options)
        else:
            module = linen_module(case.layer, "optimized" in name, dtype)
            out = module.apply({"params": nested}, xs, **options)
        if not single:
            return out, []
        return out[1], [lstm_or_not(out[0], "ch")]

    return differentiated(apply, nested, call, dtype)
