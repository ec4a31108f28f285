"""Scores of predictions, weighted over the steps that count.

The papers of 1997 to 2002 train logistic outputs on squared errors. Here that is `loss="squares"`,
without a half, as in equation 16 of Hochreiter & Schmidhuber 1997 (their equation 19 is as if there
were one); `loss="likelihood"`, which trains faster, takes the same outputs as logits of a softmax
where one class is asked for, or of a logistic function for each symbol where several may be
right. Errors are differences between these probabilities, or logistic outputs, and targets of zero
and one.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lstm_jax.tasks.base import Batch, Scores

Loss = Literal["likelihood", "squares"]
"""What training minimises: the mean negative log-likelihood of a step, or the sum of squared errors
over all steps, as a sequence's error is in those papers.
"""

Output = Literal["linear", "logistic"]
"""Whether a number is read from an output as it is, or from a logistic unit."""


class Steps(NamedTuple):
    """How well every step was predicted."""

    loss: Float[Array, "T B"]
    """In nats, or the sum of squared errors."""
    error: Float[Array, "T B"]
    """The largest error of any output."""


def mean_over_time(values: Float[Array, "T B"], weights: Float[Array, "T B"]) -> Float[Array, " B"]:
    """The weighted mean of each sequence, zero where nothing counts."""
    total = weights.sum(axis=0)
    return (values * weights).sum(axis=0) / jnp.where(total == 0, 1.0, total)


def over_time(
    values: Float[Array, "T B"], weights: Float[Array, "T B"], loss: Loss
) -> Float[Array, " B"]:
    """The loss of each sequence: the weighted sum of squared errors, or mean likelihood."""
    if loss == "squares":
        return (values * weights).sum(axis=0)
    return mean_over_time(values, weights)


def regression(
    outputs: Float[Array, "T B O"], batch: Batch, tolerance: float, output: Output = "linear"
) -> Scores:
    """Squared error to minimise, absolute error to read; correct if within `tolerance`."""
    predicted = jax.nn.sigmoid(outputs) if output == "logistic" else outputs
    difference = predicted - batch.targets
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


def of_class(outputs: Float[Array, "T B O"], classes: Int[Array, "T B"], loss: Loss) -> Steps:
    """Outputs of which one is asked for."""
    one_hot = jax.nn.one_hot(classes, outputs.shape[-1])
    if loss == "squares":
        return of_logistic(outputs, one_hot, loss)
    surprise = -(jax.nn.log_softmax(outputs) * one_hot).sum(axis=-1)
    return Steps(surprise, -jnp.expm1(-surprise))  # no other output is further off than this one


def of_logistic(
    outputs: Float[Array, "T B O"], targets: Float[Array, "T B O"], loss: Loss
) -> Steps:
    """Outputs each of which is a logistic unit's input, with a target of its own."""
    difference = jax.nn.sigmoid(outputs) - targets
    if loss == "squares":
        cost = jnp.square(difference).sum(axis=-1)
    else:
        cost = (jax.nn.softplus(outputs) - targets * outputs).sum(axis=-1)
    error = jnp.abs(difference).max(axis=-1)
    return Steps(cost, jnp.where(jnp.isnan(cost), jnp.nan, error))  # XLA's max may pass over NaN


def largest(steps: Steps, batch: Batch, tolerance: float, loss: Loss) -> Scores:
    """Scores by the largest error of any step that counts; correct if below `tolerance`."""
    counts = batch.weights > 0
    return Scores(
        loss=over_time(steps.loss, batch.weights, loss),
        error=jnp.where(counts, steps.error, 0.0).max(axis=0),
        correct=((steps.error < tolerance) | ~counts).all(axis=0),
    )


def share_wrong(
    cost: Float[Array, "T B"],
    wrong: Bool[Array, "T B"],
    weights: Float[Array, "T B"],
    loss: Loss = "likelihood",
) -> Scores:
    """Scores by the share of the steps that count which are wrong; correct if none is."""
    counted = wrong & (weights > 0)
    error = mean_over_time(counted.astype(jnp.float32), weights)
    return Scores(over_time(cost, weights, loss), error, ~counted.any(axis=0))
