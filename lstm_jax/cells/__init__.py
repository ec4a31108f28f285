"""One step of time, one file a cell. `lstm.py` is the file to read first."""

from lstm_jax.cells.base import Cell, SplitCell
from lstm_jax.cells.lstm import LSTM, LSTMParams, LSTMState, lstm_step

CELLS: dict[str, type[Cell]] = {"lstm": LSTM}
"""Every cell by the name that configs use."""

__all__ = ["CELLS", "LSTM", "Cell", "LSTMParams", "LSTMState", "SplitCell", "lstm_step"]
