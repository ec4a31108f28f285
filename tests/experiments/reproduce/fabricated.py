"""Rows of papers that were never trained."""

from collections.abc import Sequence
from typing import Any

from experiments.config.schema import Published
from experiments.reproduce.rows import Row
from tests.experiments.sweep.fabricated import result


def row(
    name: str = "a row",
    sequences: Sequence[int] = (),
    seeds: int = 4,
    paper: float | None = None,
    rate: float | None = None,
    error: float | None = None,
    best: bool = False,
    **changes: Any,
) -> Row:
    published = Published("A & B 1997", name, paper, rate, error, best)
    return Row(published, result({}, sequences, seeds, **changes), 50_000, "mean absolute error")
