"""Weights to and from other frameworks, as plain dicts of NumPy arrays; none of them is imported.

`from_torch(layer, entries)` gives the parameters of our layer, `to_torch(layer, params)` the
entries by torch's names; so for keras, nnx, linen, haiku and equinox, each in a file that tells its
names. `layer` is our static description: a cell, a `Bidirectional` or a `Stack`. There and back
gives the same bits, save where a file says otherwise.
"""

from lstm_jax.interop.equinox import from_equinox, to_equinox
from lstm_jax.interop.flax import from_linen, from_nnx, to_linen, to_nnx
from lstm_jax.interop.haiku import from_haiku, to_haiku
from lstm_jax.interop.keras import from_keras, to_keras
from lstm_jax.interop.safetensors import from_safetensors, to_safetensors
from lstm_jax.interop.torch import from_torch, to_torch

__all__ = [
    "from_equinox",
    "from_haiku",
    "from_keras",
    "from_linen",
    "from_nnx",
    "from_safetensors",
    "from_torch",
    "to_equinox",
    "to_haiku",
    "to_keras",
    "to_linen",
    "to_nnx",
    "to_safetensors",
    "to_torch",
]
