"""Side by side: calls timed in turn, in another order every round.

The machine's speed drifts; what is measured round by round drifts together, so that ratios hold
where seconds do not.
"""

import dataclasses
import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from experiments.words import digits

ROUNDS = 7
SPREAD = "±: half the distance between the quartiles of the rounds."
ENOUGH = 0.3
"""Seconds that a measurement lasts at least; shorter calls are repeated."""

Name = TypeVar("Name", bound=Hashable)

Call = Callable[[], Any]
"""Runs something to its end: it returns when the numbers are there."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of one call, measured once a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The bounds of the middle half of the rounds; of a single one twice that.

        >>> Timing((1.0, 5.0, 2.0, 4.0, 3.0)).quartiles
        (2.0, 4.0)
        """
        if len(self.seconds) == 1:
            return self.seconds * 2
        low, _, high = statistics.quantiles(self.seconds, method="inclusive")
        return low, high

    def as_json(self) -> dict[str, Any]:
        """The median, the quartiles and every round."""
        return {"median": self.median, "quartiles": self.quartiles, "rounds": self.seconds}


def measure(calls: Mapping[Name, Call], rounds: int) -> dict[Name, Timing]:
    """Time calls that have run once already, so that nothing is compiled in what is measured.

    A call shorter than `ENOUGH` is run once more before each measurement, unmeasured, for its data
    to be back in the caches and its threads awake.
    """
    repeats = {name: _repeats(call) for name, call in calls.items()}
    seconds: dict[Any, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        order = list(calls)
        random.Random(number).shuffle(order)
        for name in order:
            if repeats[name] > 1:
                calls[name]()
            seconds[name].append(_seconds(calls[name], repeats[name]))
    return {name: Timing(tuple(each)) for name, each in seconds.items()}


def _repeats(call: Call) -> int:
    call()
    return max(1, round(ENOUGH / _seconds(call, 1)))


def _seconds(call: Call, repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def milliseconds(timing: Timing) -> str:
    """The median, and half the distance between the quartiles as a share of it.

    >>> milliseconds(Timing((0.0019, 0.002, 0.0021)))
    '2.00 ±2%'
    """
    low, high = timing.quartiles
    return f"{digits(1e3 * timing.median)} ±{(high - low) / 2 / timing.median:.0%}"
