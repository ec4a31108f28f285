"""Long short-term memory as pure functions: cells, executors, layers, tasks and training.

cells       one step of time                    LSTM, lstm_step
unroll      a cell over whole sequences         unroll(cell, params, xs, lengths=...)
layers      built on unroll                     Stack
nnx, linen  the same core as Flax modules       import lstm_jax.nnx, lstm_jax.linen
tasks       long dependencies to learn
training    the compiled loop that learns them
"""

from lstm_jax.cells import LSTM, LSTMParams, LSTMState, lstm_step
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers import Stack
from lstm_jax.unroll import choose_executor, unroll

__version__ = "0.1.0"

__all__ = [
    "LSTM",
    "Chrono",
    "ForgetBias",
    "LSTMParams",
    "LSTMState",
    "Stack",
    "choose_executor",
    "lstm_step",
    "unroll",
]
