"""A whole sequence: how a step is carried along time. Same answer, different schedule."""

from lstm_jax.executors import fused, scan
from lstm_jax.executors.base import Executor

EXECUTORS: dict[str, Executor] = {"fused": fused, "scan": scan}
"""Every executor by name, the one that `executor="auto"` prefers first."""

__all__ = ["EXECUTORS", "Executor"]
