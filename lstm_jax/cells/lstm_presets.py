"""Variants of the LSTM that have a name in the literature, as settings of `LSTMVariant`.

Greff et al. 2015 ("LSTM: A Search Space Odyssey") take the LSTM with peepholes as their vanilla
form V, and each of their variants changes one thing in it.
"""

import dataclasses
from typing import Literal

from lstm_jax.cells.lstm_variant import LSTMVariant
from lstm_jax.checks import Size


@dataclasses.dataclass(frozen=True)
class PeepholeLSTM(LSTMVariant):
    """The gates see the cell state (Gers, Schraudolph & Schmidhuber 2002); Greff's V."""

    peepholes: Literal[True] = dataclasses.field(default=True, kw_only=True)


@dataclasses.dataclass(frozen=True)
class NIG(PeepholeLSTM):
    """Greff's V without its input gate: i = 1."""

    input_gate: Literal["none"] = dataclasses.field(default="none", kw_only=True)


@dataclasses.dataclass(frozen=True)
class NFG(PeepholeLSTM):
    """Greff's V without its forget gate: f = 1."""

    forget_gate: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class NOG(PeepholeLSTM):
    """Greff's V without its output gate: o = 1."""

    output_gate: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class NIAF(PeepholeLSTM):
    """Greff's V without the input activation function: g = z_g."""

    input_activation: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class NOAF(PeepholeLSTM):
    """Greff's V without the output activation function: h = o * c."""

    output_activation: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class NP(LSTMVariant):
    """Greff's V without its peepholes: the LSTM of Gers et al. 2000, as `LSTM`."""

    peepholes: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class CIFG(PeepholeLSTM):
    """Greff's V with the input gate coupled to the forget gate: i = 1 - f."""

    input_gate: Literal["coupled"] = dataclasses.field(default="coupled", kw_only=True)


@dataclasses.dataclass(frozen=True)
class FGR(PeepholeLSTM):
    """Greff's V with full gate recurrence: every gate sees all gates of the step before."""

    gate_recurrence: Literal[True] = dataclasses.field(default=True, kw_only=True)


@dataclasses.dataclass(frozen=True)
class JANET(LSTMVariant):
    """Just another network: only a forget gate (van der Westhuizen & Lasenby 2018).

    s = W_f x + U_f c + b_f
    c = sigmoid(s) * c + (1 - sigmoid(s - coupled_shift)) * tanh(W_g x + U_g c + b_g)
    """

    input_gate: Literal["coupled"] = dataclasses.field(default="coupled", kw_only=True)
    coupled_shift: float = dataclasses.field(default=1.0, kw_only=True)
    output_gate: Literal[False] = dataclasses.field(default=False, kw_only=True)
    output_activation: Literal[False] = dataclasses.field(default=False, kw_only=True)


@dataclasses.dataclass(frozen=True)
class LSTMP(LSTMVariant):
    """What feeds back and is shown is a projection of h (Sak, Senior & Beaufays 2014)."""

    projection_size: Size = dataclasses.field(kw_only=True)


@dataclasses.dataclass(frozen=True)
class LayerNormLSTM(LSTMVariant):
    """Pre-activations and cell state are normalised (Ba, Kiros & Hinton 2016)."""

    layer_norm: Literal[True] = dataclasses.field(default=True, kw_only=True)
