"""Recurrent networks as pure functions: cells, executors, layers, tasks and training.

`cells` are one step of time: `LSTM` with `lstm_step`, its published variants, `LSTM1997`, `GRU`,
`Elman`, and wrappers around them such as `Zoneout`. `unroll` runs a cell over whole sequences,
`layers` are built on it, and `lstm_jax.nnx` and `lstm_jax.linen` are the same core as Flax modules.
`interop` brings weights from other frameworks and takes them there. `tasks` are long dependencies
to learn, `training` the compiled loop that learns them, and `diagnostics` look inside.
"""

from lstm_jax.cells import (
    GRU,
    IRNN,
    LSTM,
    LSTM1997,
    DropConnect,
    Elman,
    LearnedState,
    LSTMParams,
    LSTMState,
    LSTMVariant,
    RecurrentDropout,
    ResetFirstGRU,
    Zoneout,
    lstm_step,
)
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers import Bidirectional, Stack
from lstm_jax.noise import Noise
from lstm_jax.unroll import choose_executor, unroll

__version__ = "0.1.0"

__all__ = [
    "GRU",
    "IRNN",
    "LSTM",
    "LSTM1997",
    "Bidirectional",
    "Chrono",
    "DropConnect",
    "Elman",
    "ForgetBias",
    "LSTMParams",
    "LSTMState",
    "LSTMVariant",
    "LearnedState",
    "Noise",
    "RecurrentDropout",
    "ResetFirstGRU",
    "Stack",
    "Zoneout",
    "choose_executor",
    "lstm_step",
    "unroll",
]
