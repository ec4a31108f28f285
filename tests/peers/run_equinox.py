"""A case in equinox itself."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from lstm_jax.cells import LSTM
from lstm_jax.interop.entries import Arrays
from tests.lstm_jax.interop.cases import Call, Case, Result
from tests.peers.run_jax import differentiated, lstm_or_not


def cell(case: Case, inputs: int) -> Any:
    kind = eqx.nn.LSTMCell if isinstance(case.layer, LSTM) else eqx.nn.GRUCell
    biased = case.options.get("bias", True)
    return kind(inputs, case.layer.output_size, use_bias=biased, key=jax.random.key(0))


def entries(case: Case, name: str, inputs: int) -> Arrays:
    """The weights as equinox draws them, by its own names."""
    return {key: leaf for key, leaf in vars(cell(case, inputs)).items() if eqx.is_array(leaf)}


def run(case: Case, name: str, weights: Arrays, call: Call, dtype: str = "float64") -> Result:
    like = cell(case, call.xs.shape[-1])

    def apply(weights: Any, xs: Any) -> Any:
        names = sorted(weights)
        net = eqx.tree_at(
            lambda each: [getattr(each, key) for key in names],
            like,
            [weights[key] for key in names],
        )
        start = jnp.zeros((xs.shape[1], case.layer.output_size), xs.dtype)
        pair = isinstance(case.layer, LSTM)

        def step(state: Any, x: Any) -> Any:
            state = jax.vmap(net)(x, state)
            return state, state[0] if pair else state

        final, ys = jax.lax.scan(step, (start, start) if pair else start, xs)
        return ys, [lstm_or_not(final, "hc")]

    return differentiated(apply, weights, call, dtype)
