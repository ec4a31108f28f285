"""A whole sequence: how a step is carried along time. Same answer, different schedule."""

from lstm_jax.executors import fused, scan
from lstm_jax.executors.base import Executor, Inputs

EXECUTORS: dict[str, Executor] = {"scan": scan, "fused": fused}
"""Every executor by name, the one that `executor="auto"` prefers first: the reference, through
which every transformation works, while `fused` is reverse mode only."""

__all__ = ["EXECUTORS", "Executor", "Inputs"]
