"""A whole sequence: how a step is carried along time. Same answer, different schedule."""

from typing import Any

from lstm_jax.checks import named
from lstm_jax.executors.base import Executor, Inputs, Layered, Request, compiling_for, platform
from lstm_jax.executors.checkpointed import Checkpointed
from lstm_jax.executors.cudnn import Cudnn
from lstm_jax.executors.fused import Fused
from lstm_jax.executors.pallas_tpu import PallasTPU
from lstm_jax.executors.scan import Scan

EXECUTORS: dict[str, Executor] = {
    "fused": Fused(),
    "scan": Scan(),
    "checkpointed": Checkpointed(),
    "cudnn": Cudnn(),
    "pallas_tpu": PallasTPU(),
}
"""Every executor by name, as it is by default; the one that `executor="auto"` prefers first."""


def asked_for(executor: Any) -> tuple[str, Executor]:
    """An executor by its name, or as it is, and what it is called.

    Raises ValueError for an unknown name, TypeError for what is neither.
    """
    if isinstance(executor, str):
        return executor, named("executor", executor, {"auto": None} | EXECUTORS)
    if not isinstance(executor, Executor):
        raise TypeError(
            f"executor must be a name such as 'scan', or Scan() itself, got {executor!r}"
        )
    return str(executor), executor


__all__ = [
    "EXECUTORS",
    "Checkpointed",
    "Cudnn",
    "Executor",
    "Fused",
    "Inputs",
    "Layered",
    "PallasTPU",
    "Request",
    "Scan",
    "asked_for",
    "compiling_for",
    "platform",
]
