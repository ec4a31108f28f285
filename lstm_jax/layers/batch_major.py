"""Flax's conventions over any layer: batch-major arrays, and outputs alone unless asked."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lstm_jax.cells import Cell
from lstm_jax.checks import Settings, Size
from lstm_jax.executors import Executor, asked_for
from lstm_jax.layers.base import Layer, unroll_layer
from lstm_jax.layers.bidirectional import Bidirectional
from lstm_jax.layers.stack import Stack
from lstm_jax.noise import Noise


@dataclasses.dataclass(frozen=True)
class Recurrent(Settings):
    """A layer over batches of sequences, as Flax modules are called.

    Args:
        layer: a cell, a `Stack` or a `Bidirectional`.
        reverse: run each sequence backwards within its length.
        time_major: sequences are (T, B, F) instead of (B, T, F).
        return_state: return (final state, outputs) instead of the outputs alone.
        executor: as for `lstm_jax.unroll`.
        truncate: as for `lstm_jax.unroll`: no gradient flows back through more steps.

    Raises ValueError for `reverse` with a layer that runs both ways.
    """

    layer: Cell | Layer
    reverse: bool = False
    time_major: bool = False
    return_state: bool = False
    executor: str | Executor = "auto"
    truncate: Size | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.layer, Cell | Layer):
            given = self.layer if isinstance(self.layer, type) else type(self.layer).__name__
            raise TypeError(
                f"Recurrent.layer must be Cell or Layer of lstm_jax, such as LSTM(64), got {given}"
            )
        super().__post_init__()
        if self.executor != "auto":
            asked_for(self.executor)
        if self.reverse and runs_both_ways(self.layer):
            raise ValueError(
                "Recurrent.reverse is True but the layer is bidirectional: it runs both ways"
            )

    def apply(
        self,
        params: Any,
        xs: Float[Array, "_ _ I"],
        state: Any = None,
        *,
        lengths: Shaped[Array, " _"] | None = None,
        resets: Shaped[Array, "_ _"] | None = None,
        noise: Noise | None = None,
    ) -> Any:
        """The outputs (B, T, H), or (state, outputs); errors as `lstm_jax.unroll`.

        A bidirectional layer that does not merge gives a pair of outputs.
        """
        xs = jnp.asarray(xs)
        if xs.ndim != 3:
            axes = "(T, B, I)" if self.time_major else "(B, T, I)"
            raise ValueError(f"xs must be {axes}, got shape {xs.shape}")
        if resets is not None and jnp.shape(resets) != xs.shape[:2]:
            raise ValueError(f"resets must have shape {xs.shape[:2]}, got {jnp.shape(resets)}")
        if not self.time_major:
            xs = xs.swapaxes(0, 1)
            resets = None if resets is None else jnp.swapaxes(resets, 0, 1)
        options: dict[str, Any] = {"reverse": True} if self.reverse else {}
        state, ys = unroll_layer(
            self.layer,
            params,
            xs,
            state,
            lengths=lengths,
            resets=resets,
            noise=noise,
            truncate=self.truncate,
            executor=self.executor,
            **options,
        )
        if not self.time_major:
            ys = jax.tree.map(lambda y: y.swapaxes(0, 1), ys)
        return (state, ys) if self.return_state else ys


def runs_both_ways(layer: Cell | Layer) -> bool:
    """Whether there is a bidirectional layer in it."""
    if isinstance(layer, Stack):
        return any(map(runs_both_ways, layer.layers))
    return isinstance(layer, Bidirectional)
