"""Which of two settings learns better: a test over seeds that claims no more than they can carry.

Seeds of two arms are ranked together, by the sequences that they needed, and the sum of the ranks
of one arm is held against its distribution over all ways to deal the ranks out: the test of
Wilcoxon 1945 and Mann & Whitney 1947, exact, with ties as they are. It asks nothing of the
distribution of the numbers, and a seed that never solves its task has a place, the last. Exact
tails come by counting (the shift algorithm of Streitberg & Röhmel 1986), so that they hold from
two seeds to hundreds; scipy's exact method takes no ties, and its other ones need more seeds than
people have.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.report.arms import Arm

LEVEL = 0.05
"""Below it a difference counts as significant."""


class Comparison(NamedTuple):
    """An arm held against another over their seeds."""

    better: Arm
    other: Arm
    measure: str
    """What was ranked."""
    p: float
    """Two-sided, adjusted for the number of comparisons."""
    least_p: float
    """The least that any outcome could have given with as many seeds and comparisons."""
    horizon: float = math.inf
    """Sequences that every seed was given; a seed that solved its task later counts as one that
    did not, if there is one.
    """

    @property
    def significant(self) -> bool:
        """Whether the difference is more than chance would often give."""
        return self.p < LEVEL

    @property
    def hopeless(self) -> bool:
        """Whether no outcome at all could have been significant."""
        return self.least_p >= LEVEL


def rank_sum_test(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided p-value of two samples coming from one distribution; exact, also with ties.

    Infinite values rank last. Twice the smaller tail, at most 1.

    >>> round(rank_sum_test([1, 2, 3, 4], [5, 6, 7, float("inf")]), 4)
    0.0286
    """
    ranks = doubled_midranks([*first, *second])
    counts = rank_sum_counts(ranks, len(first))
    observed, total = sum(ranks[: len(first)]), sum(counts)
    below, above = sum(counts[: observed + 1]), sum(counts[observed:])
    return min(1.0, 2 * min(below, above) / total)


def doubled_midranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, ties sharing the mean of theirs; so they are integers.

    >>> doubled_midranks([0.5, 0.1, 0.5])
    [5, 2, 5]
    """
    return [
        2 * sum(other < value for other in values) + sum(other == value for other in values) + 1
        for value in values
    ]


def rank_sum_counts(ranks: Sequence[int], size: int) -> list[float]:
    """By their sum, how many subsets of so many ranks there are."""
    counts = np.zeros((size + 1, sum(ranks) + 1))
    counts[0, 0] = 1
    for rank in ranks:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    return counts[size].tolist()


def compare(arms: Sequence[Arm]) -> list[Comparison]:
    """The best arm against each other one, p-values adjusted as Holm 1979 has it.

    They are adjusted for all pairs of arms: which arm is best is told by the same numbers.

    Best is the highest solve rate, then the fewest sequences, then the lowest test error. Where a
    seed of either arm solved the task, sequences are ranked; a seed that did not within what all
    were given comes last. Else errors on test data are ranked.
    """
    if len(arms) < 2:
        return []
    ranked = sorted(arms, key=lambda arm: arm.standing)
    pairs = [_against(*pair) for pair in itertools.combinations(ranked, 2)]
    adjusted = zip(
        pairs, holm([each.p for each in pairs]), holm([each.least_p for each in pairs]), strict=True
    )
    of_best = itertools.islice(adjusted, len(ranked) - 1)
    return [each._replace(p=p, least_p=least) for each, p, least in of_best]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979).

    >>> holm([0.03, 0.01])
    [0.03, 0.02]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [1.0] * len(p_values), 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - step)))
        adjusted[place] = highest
    return adjusted


def _against(best: Arm, other: Arm) -> Comparison:
    pair, discarded = (best, other), math.inf
    if any(arm.needed for arm in pair):
        measure = "sequences to solve"
        horizon = min(
            (seed.seen for arm in pair for seed in arm.seeds if not (seed.needed or seed.failed)),
            default=math.inf,
        )
        samples = [[_within(seed.needed, horizon) for seed in arm.seeds] for arm in pair]
        if any(needed > horizon for arm in pair for needed in arm.needed):
            discarded = horizon
    else:
        measure = "test error"
        samples = [
            [math.inf if seed.test_error is None else seed.test_error for seed in arm.seeds]
            for arm in pair
        ]
    sizes = [len(sample) for sample in samples]
    least = min(1.0, 2 / math.comb(sum(sizes), sizes[0]))
    return Comparison(best, other, measure, rank_sum_test(*samples), least, discarded)


def _within(needed: int | None, horizon: float) -> float:
    """Sequences to solve, where they are fewer than all others had the chance to see."""
    return needed if needed is not None and needed <= horizon else math.inf
