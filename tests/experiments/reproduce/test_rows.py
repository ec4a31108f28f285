"""Figures and verdicts of rows, against SciPy's statistics and by hand."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
import scipy.stats

from experiments.reproduce.rows import mean_interval
from tests.experiments.reproduce.fabricated import row


@pytest.mark.parametrize("count", [2, 3, 10, 200])
def test_the_interval_of_the_mean_is_that_of_scipy(count: int) -> None:
    values = np.random.default_rng(count).normal(1000, 50, count).tolist()
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx(tuple(expected))


def test_the_interval_needs_two_seeds_and_has_nothing_below_zero() -> None:
    assert (mean_interval([]), mean_interval([5])) == (None, None)
    low, high = mean_interval([1, 100]) or (math.nan, math.nan)
    assert (low, round(high)) == (0.0, 679)


def test_the_figures_are_of_the_seeds_that_solved() -> None:
    one = row(sequences=[100, 400, 1000], paper=2000)
    assert (one.mean, one.ratio) == (500, 4)
    assert not one.all_solved
    assert statistics.geometric_mean([4, 1]) == 2
    none = row(paper=2000)
    assert math.isnan(none.mean)
    assert (none.ratio, none.interval) == (None, None)


@pytest.mark.parametrize(
    "figures, verdict",
    [
        ({"sequences": [100] * 4, "paper": 100}, "reached"),
        ({"sequences": [100] * 3, "paper": 100}, "3/4 solved"),
        ({"sequences": [180] * 4, "paper": 100}, "1.80× as many sequences"),
        ({"sequences": [180], "paper": 100}, "1/4 solved; 1.80× as many sequences"),
        ({"sequences": [9] * 3, "paper": 10, "rate": 0.75}, "reached"),
        ({"sequences": [9] * 2, "rate": 0.75}, "2/4 solved"),
        ({"sequences": [9] * 29, "seeds": 30, "rate": 0.97}, "reached"),
        ({"sequences": [9] * 28, "seeds": 30, "rate": 0.97}, "28/30 solved"),
        ({"rate": 0.0}, "reached"),
        ({"error": 0.25}, "reached"),
        ({"error": 0.24}, "error 0.25 > 0.24"),
        ({"error": 0.0, "errors": (0.0,)}, "reached"),
        ({"error": 5.0, "errors": ()}, "error not finite > 5"),
        ({"sequences": [9] * 4, "paper": 10, "error": 0.1}, "error 0.25 > 0.1"),
        ({"paper": 10, "status": "diverged"}, "0/4 solved, diverged"),
        ({"paper": 10, "status": "missing"}, "no result"),
        ({"status": "missing"}, "no result"),
        ({"sequences": [9]}, "no figure published"),
    ],
)
def test_verdicts(figures: dict[str, Any], verdict: str) -> None:
    one = row(**figures)
    assert one.verdict == verdict
    assert bool(one.shortfalls) == (verdict not in ("reached", "no figure published"))


def test_the_error_of_a_best_trial_is_held_against_that_of_our_best_seed() -> None:
    usual, best = (row(error=0.1, best=best, errors=(0.05, 0.2, 0.3)) for best in (False, True))
    assert (usual.error, usual.verdict) == (0.2, "error 0.2 > 0.1")
    assert (best.error, best.verdict) == (0.05, "reached")
    assert row(error=0.1, best=True, errors=()).verdict == "error not finite > 0.1"
