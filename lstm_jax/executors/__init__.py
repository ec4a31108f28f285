"""A whole sequence: how a step is carried along time. Same answer, different schedule."""

from lstm_jax.executors import fused, scan
from lstm_jax.executors.base import Executor

EXECUTORS: dict[str, Executor] = {"scan": scan, "fused": fused}
"""Every executor by name, the one that `executor="auto"` prefers first.

That is the reference while the others are each ahead on some sizes only: `fused` takes two thirds
of its time for gradients of small layers, and is no faster for large ones.
"""

__all__ = ["EXECUTORS", "Executor"]
