"""One step of time, one file a cell. `lstm.py` is the file to read first."""

from lstm_jax.cells.base import Cell, SplitCell, state_dtype, widen
from lstm_jax.cells.elman import IRNN, Elman, ElmanParams, ElmanState
from lstm_jax.cells.gru import GRU, GRUParams, GRUState, ResetFirstGRU, ResetFirstGRUParams
from lstm_jax.cells.lstm import LSTM, LSTMParams, LSTMState, lstm_step
from lstm_jax.cells.lstm1997 import LSTM1997, LSTM1997Params, LSTM1997State
from lstm_jax.cells.lstm_presets import (
    CIFG,
    FGR,
    JANET,
    LSTMP,
    NFG,
    NIAF,
    NIG,
    NOAF,
    NOG,
    NP,
    LayerNormLSTM,
    PeepholeLSTM,
)
from lstm_jax.cells.lstm_variant import (
    LayerNormParams,
    LSTMVariant,
    LSTMVariantParams,
    LSTMVariantState,
)
from lstm_jax.cells.wrappers import (
    DropConnect,
    LearnedState,
    LearnedStateParams,
    RecurrentDropout,
    Wrapper,
    Zoneout,
)

CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "lstm_variant": LSTMVariant,
    "peephole_lstm": PeepholeLSTM,
    "nig": NIG,
    "nfg": NFG,
    "nog": NOG,
    "niaf": NIAF,
    "noaf": NOAF,
    "np": NP,
    "cifg": CIFG,
    "fgr": FGR,
    "janet": JANET,
    "lstmp": LSTMP,
    "layer_norm_lstm": LayerNormLSTM,
    "lstm1997": LSTM1997,
    "gru": GRU,
    "reset_first_gru": ResetFirstGRU,
    "elman": Elman,
    "irnn": IRNN,
}
"""Every cell by the name that configs use."""

__all__ = [
    "CELLS",
    "CIFG",
    "FGR",
    "GRU",
    "IRNN",
    "JANET",
    "LSTM",
    "LSTM1997",
    "LSTMP",
    "NFG",
    "NIAF",
    "NIG",
    "NOAF",
    "NOG",
    "NP",
    "Cell",
    "DropConnect",
    "Elman",
    "ElmanParams",
    "ElmanState",
    "GRUParams",
    "GRUState",
    "LSTM1997Params",
    "LSTM1997State",
    "LSTMParams",
    "LSTMState",
    "LSTMVariant",
    "LSTMVariantParams",
    "LSTMVariantState",
    "LayerNormLSTM",
    "LayerNormParams",
    "LearnedState",
    "LearnedStateParams",
    "PeepholeLSTM",
    "RecurrentDropout",
    "ResetFirstGRU",
    "ResetFirstGRUParams",
    "SplitCell",
    "Wrapper",
    "Zoneout",
    "lstm_step",
    "state_dtype",
    "widen",
]
