"""Our layers as Flax linen modules, and cells across: ours in Flax's `RNN`, Flax's in `unroll`.

The same core as `lstm_jax.nnx`, with the same names of parameters.
"""

from lstm_jax.linen.adapters import RNNCell, as_cell
from lstm_jax.linen.everyday import GRU, LSTM, Elman
from lstm_jax.linen.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "Elman", "RNNCell", "Recurrent", "as_cell"]
