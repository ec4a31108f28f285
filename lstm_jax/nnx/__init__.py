"""Our layers as Flax NNX modules, and cells across: ours in Flax's `RNN`, Flax's in `unroll`.

The same core as `lstm_jax.linen`, with the same names of parameters.
"""

from lstm_jax.nnx.adapters import RNNCell, as_cell
from lstm_jax.nnx.everyday import GRU, LSTM, Elman
from lstm_jax.nnx.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "Elman", "RNNCell", "Recurrent", "as_cell"]
