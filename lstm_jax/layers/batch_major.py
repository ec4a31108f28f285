"""Flax's conventions over `unroll`: batch-major arrays, and outputs alone unless asked."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lstm_jax.cells import Cell
from lstm_jax.checks import Settings
from lstm_jax.unroll import unroll


@dataclasses.dataclass(frozen=True)
class Recurrent(Settings):
    """A cell over batches of sequences, as Flax modules are called.

    Args:
        cell: the step.
        reverse: run each sequence backwards within its length.
        time_major: sequences are (T, B, F) instead of (B, T, F).
        return_state: return (final state, outputs) instead of the outputs alone.
        executor: as for `lstm_jax.unroll`.
    """

    cell: Cell
    reverse: bool = False
    time_major: bool = False
    return_state: bool = False
    executor: str = "auto"

    def apply(
        self,
        params: Any,
        xs: Float[Array, "_ _ I"],
        state: Any = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        resets: Shaped[Array, "_ _"] | None = None,
    ) -> Any:
        """The outputs (B, T, H), or (state, outputs); errors as `lstm_jax.unroll`."""
        xs = jnp.asarray(xs)
        if xs.ndim != 3:
            axes = "(T, B, I)" if self.time_major else "(B, T, I)"
            raise ValueError(f"xs must be {axes}, got shape {xs.shape}")
        if resets is not None and jnp.shape(resets) != xs.shape[:2]:
            raise ValueError(f"resets must have shape {xs.shape[:2]}, got {jnp.shape(resets)}")
        if not self.time_major:
            xs = xs.swapaxes(0, 1)
            resets = None if resets is None else jnp.swapaxes(resets, 0, 1)
        state, ys = unroll(
            self.cell,
            params,
            xs,
            state,
            lengths=lengths,
            resets=resets,
            reverse=self.reverse,
            executor=self.executor,
        )
        ys = ys if self.time_major else ys.swapaxes(0, 1)
        return (state, ys) if self.return_state else ys
