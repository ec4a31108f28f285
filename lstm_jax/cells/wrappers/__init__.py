"""Cells around a cell: regularisers and a learned beginning. They compose."""

from lstm_jax.cells.wrappers.base import Wrapper
from lstm_jax.cells.wrappers.drop_connect import DropConnect
from lstm_jax.cells.wrappers.learned_state import LearnedState, LearnedStateParams
from lstm_jax.cells.wrappers.recurrent_dropout import RecurrentDropout
from lstm_jax.cells.wrappers.zoneout import Zoneout

__all__ = [
    "DropConnect",
    "LearnedState",
    "LearnedStateParams",
    "RecurrentDropout",
    "Wrapper",
    "Zoneout",
]
