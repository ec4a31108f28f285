"""Compositions of cells over whole sequences, built on `unroll`."""

from lstm_jax.layers.generate import generate
from lstm_jax.layers.model import SequenceModel, SequenceModelParams
from lstm_jax.layers.stack import Stack

__all__ = ["SequenceModel", "SequenceModelParams", "Stack", "generate"]
