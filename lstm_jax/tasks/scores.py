"""Scores of predictions, weighted over the steps that count."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lstm_jax.tasks.base import Batch, Scores


def mean_over_time(values: Float[Array, "T B"], weights: Float[Array, "T B"]) -> Float[Array, " B"]:
    """The weighted mean of each sequence, zero where nothing counts."""
    total = weights.sum(axis=0)
    return (values * weights).sum(axis=0) / jnp.where(total == 0, 1.0, total)


def regression(outputs: Float[Array, "T B O"], batch: Batch, tolerance: float) -> Scores:
    """Squared error to minimise, absolute error to read; correct if within `tolerance`."""
    difference = outputs - batch.targets
    absolute = jnp.abs(difference).max(axis=-1)
    outside = (absolute >= tolerance) & (batch.weights > 0)
    return Scores(
        loss=mean_over_time(jnp.square(difference).mean(axis=-1), batch.weights),
        error=mean_over_time(absolute, batch.weights),
        correct=~outside.any(axis=0),
    )


def cross_entropy(outputs: Float[Array, "T B O"], batch: Batch) -> Float[Array, "T B"]:
    """The negative log-likelihood of each target, in nats."""
    log_p = jax.nn.log_softmax(outputs)
    return -jnp.take_along_axis(log_p, batch.targets[..., None], axis=-1)[..., 0]


def is_wrong(outputs: Float[Array, "T B O"], batch: Batch) -> Bool[Array, "T B"]:
    """Where the most probable symbol is not the target."""
    return outputs.argmax(axis=-1) != batch.targets
