"""Results of sweeps that were never run."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweep.results import Result
from experiments.sweep.trials import Place


def result(
    values: Mapping[str, Any],
    sequences: Sequence[int] = (),
    seeds: int = 4,
    trial: str = "0123456789ab",
    status: str = "completed",
    **changes: Any,
) -> Result:
    made = Result(
        values, Place(trial, 0), status, seeds, tuple(sequences), (0.25, 0.125, 0.5), 75.0
    )
    return made._replace(**changes)
