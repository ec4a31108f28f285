"""Recurrent networks as pure functions: cells, executors, layers, tasks and training.

`cells` are one step of time: `LSTM` with `lstm_step`, `GRU`, `Elman`, `IRNN`. `unroll` runs a cell
over whole sequences, `layers` are built on it, and `lstm_jax.nnx` and `lstm_jax.linen` are the same
core as Flax modules. `tasks` are long dependencies to learn, `training` the compiled loop that
learns them.
"""

from lstm_jax.cells import (
    GRU,
    IRNN,
    LSTM,
    Elman,
    LSTMParams,
    LSTMState,
    ResetFirstGRU,
    lstm_step,
)
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers import Stack
from lstm_jax.unroll import choose_executor, unroll

__version__ = "0.1.0"

__all__ = [
    "GRU",
    "IRNN",
    "LSTM",
    "Chrono",
    "Elman",
    "ForgetBias",
    "LSTMParams",
    "LSTMState",
    "ResetFirstGRU",
    "Stack",
    "choose_executor",
    "lstm_step",
    "unroll",
]
