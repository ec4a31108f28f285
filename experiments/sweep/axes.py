"""What was swept, as the axes of a picture."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.config.writer import inline
from experiments.sweep.results import Result
from experiments.sweep.table import short


class Axis(NamedTuple):
    """A swept key: its values that differ, in order."""

    key: str
    name: str
    values: tuple[Any, ...]

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @property
    def logarithmic(self) -> bool:
        """Whether they are positive and span a decade."""
        return self.numeric and spans_decades(self.values)

    def positions(self) -> list[float]:
        """Where each value stands along the picture."""
        return [float(v) for v in (self.values if self.numeric else range(len(self.values)))]

    def moved(self, position: float, share: float) -> float:
        """A position moved along the picture by a share of the axis."""
        low, *_, high = [*self.positions(), *self.positions()]
        if self.logarithmic:
            return position * (high / low) ** share
        return position + share * (high - low)


def spans_decades(values: Sequence[float]) -> bool:
    """Whether positive values differ tenfold or more.

    >>> spans_decades([1e-3, 1e-2]), spans_decades([0, 1, 10]), spans_decades([8, 16])
    (True, False, False)
    """
    low, high = min(values), max(values)
    return low > 0 and high / low >= 9.999  # as 1e-2 / 1e-3 may round


def found_axes(results: Sequence[Result]) -> list[Axis]:
    """An axis for each swept key, its numbers in order and other values as they came."""
    keys = list(results[0].values)
    axes = []
    for key, name in zip(keys, short(keys), strict=True):
        values = {inline(each.values[key]): each.values[key] for each in results}
        axis = Axis(key, name, tuple(values.values()))
        axes.append(axis._replace(values=tuple(sorted(axis.values))) if axis.numeric else axis)
    return axes
