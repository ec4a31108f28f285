"""Compositions of cells over whole sequences, built on `unroll`."""

from lstm_jax.layers.base import Layer, unroll_layer
from lstm_jax.layers.bidirectional import Bidirectional, BidirectionalParams, BidirectionalState
from lstm_jax.layers.generate import generate
from lstm_jax.layers.model import SequenceModel, SequenceModelParams
from lstm_jax.layers.stack import Stack

__all__ = [
    "Bidirectional",
    "BidirectionalParams",
    "BidirectionalState",
    "Layer",
    "SequenceModel",
    "SequenceModelParams",
    "Stack",
    "generate",
    "unroll_layer",
]
