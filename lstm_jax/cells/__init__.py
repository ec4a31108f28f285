"""One step of time, one file a cell. `lstm.py` is the file to read first."""

from lstm_jax.cells.base import Cell, SplitCell
from lstm_jax.cells.elman import IRNN, Elman, ElmanParams, ElmanState
from lstm_jax.cells.gru import GRU, GRUParams, GRUState, ResetFirstGRU, ResetFirstGRUParams
from lstm_jax.cells.lstm import LSTM, LSTMParams, LSTMState, lstm_step

CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
    "reset_first_gru": ResetFirstGRU,
    "elman": Elman,
    "irnn": IRNN,
}
"""Every cell by the name that configs use."""

__all__ = [
    "CELLS",
    "GRU",
    "IRNN",
    "LSTM",
    "Cell",
    "Elman",
    "ElmanParams",
    "ElmanState",
    "GRUParams",
    "GRUState",
    "LSTMParams",
    "LSTMState",
    "ResetFirstGRU",
    "ResetFirstGRUParams",
    "SplitCell",
    "lstm_step",
]
