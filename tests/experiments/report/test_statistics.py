"""The rank-sum test against all arrangements counted out, and what is claimed of arms."""

import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from experiments.report.statistics import (
    compare,
    doubled_midranks,
    rank_sum_counts,
    rank_sum_test,
)
from tests.experiments.report.fabricated import arm

SAMPLES = [
    ([1.0, 2.0, 3.0], [4.0, 5.0]),
    ([1.0, 5.0, 3.0, 8.0, 8.0], [2.0, 2.0, 9.0, 10.0]),
    ([math.inf, 3.0, math.inf], [math.inf, 1.0, 2.0, 2.0]),
    ([7.0], [7.0]),
    ([0.5] * 4, [0.5] * 3),
]


@pytest.mark.parametrize("first, second", SAMPLES)
def test_it_is_what_counting_out_all_arrangements_gives(
    first: list[float], second: list[float]
) -> None:
    ranks = scipy.stats.rankdata([*first, *second])
    observed = ranks[: len(first)].sum()
    sums = np.array([sum(each) for each in itertools.combinations(ranks, len(first))])
    tails = (sums <= observed).mean(), (sums >= observed).mean()
    assert rank_sum_test(first, second) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-12)
    assert rank_sum_test(second, first) == pytest.approx(rank_sum_test(first, second), rel=1e-12)


def test_without_ties_it_is_scipys_exact_test() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=9).tolist(), rng.normal(1.0, size=12).tolist()
    exact = scipy.stats.mannwhitneyu(first, second, method="exact").pvalue
    assert rank_sum_test(first, second) == pytest.approx(exact, rel=1e-12)


def test_of_equals_it_finds_less_than_it_claims_to() -> None:
    rng = np.random.default_rng(1)
    found = [rank_sum_test(*np.split(rng.normal(size=10), 2)) < 0.05 for _ in range(400)]
    assert 0.0 < np.mean(found) <= 0.05 + 0.03  # three standard deviations of 400 draws


def test_hundreds_of_seeds_are_counted_too() -> None:
    counts = rank_sum_counts(doubled_midranks(range(100)), 50)
    assert sum(counts) == pytest.approx(math.comb(100, 50), rel=1e-9)
    assert rank_sum_test(range(50), range(50, 100)) < 1e-20


def test_a_clear_difference_of_five_seeds_is_significant(tmp_path: Path) -> None:
    good = arm(tmp_path / "good", [100, 120, 140, 160, 180])
    bad = arm(tmp_path / "bad", [None] * 5)
    (found,) = compare([bad, good])
    assert (found.better, found.other, found.measure) == (good, bad, "sequences to solve")
    assert found.p == pytest.approx(2 / math.comb(10, 5))
    assert found.significant
    assert not found.hopeless


def test_three_seeds_can_show_nothing(tmp_path: Path) -> None:
    (found,) = compare([arm(tmp_path / "a", [100, 120, 140]), arm(tmp_path / "b", [None] * 3)])
    assert found.p == pytest.approx(0.1)
    assert found.hopeless
    assert not found.significant


def test_p_values_grow_with_the_number_of_pairs(tmp_path: Path) -> None:
    good = arm(tmp_path / "good", [100, 120, 140, 160, 180])
    bad = [arm(tmp_path / f"bad{n}", [None] * 5) for n in range(3)]
    found = compare([good, *bad])
    assert [each.p for each in found] == pytest.approx([6 * 2 / math.comb(10, 5)] * 3)
    assert {each.least_p for each in found} == {6 * 2 / math.comb(10, 5)}


def test_few_seeds_are_not_hopeless_beside_a_comparison_that_is_clear(tmp_path: Path) -> None:
    good = arm(tmp_path / "good", [10, 20, 30, 40, 50])
    few, many = arm(tmp_path / "few", [None] * 5), arm(tmp_path / "many", [None] * 8)
    found = compare([good, few, many])
    assert all(each.significant and not each.hopeless for each in found)


def test_what_the_other_had_no_time_for_does_not_count(tmp_path: Path) -> None:
    slow = arm(tmp_path / "slow", [300, 310, 320, 330, 340])
    short = arm(tmp_path / "short", [None] * 5, sequences_seen=[200] * 5)
    (found,) = compare([slow, short])
    assert (found.p, found.horizon) == (1.0, 200)


def test_the_best_of_settings_that_are_alike_is_seldom_called_better(tmp_path: Path) -> None:
    """Ten settings of one distribution, in 200 draws: fewer than the 5% that the level allows, and
    a margin of twice the standard deviation of such a share.
    """
    draw, wrong = random.Random(0), 0
    arms = [arm(tmp_path / str(number), [1] * 6) for number in range(10)]
    for _ in range(200):
        drawn = [
            each._replace(seeds=tuple(s._replace(needed=draw.randrange(10**6)) for s in each.seeds))
            for each in arms
        ]
        wrong += any(each.significant for each in compare(drawn))
    assert wrong / 200 < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)


def test_a_seed_that_failed_is_last_whenever_it_stopped(tmp_path: Path) -> None:
    good = arm(tmp_path / "good", [100, 120, 140, 160, 180])
    failed = [{"step": 3, "first_bad": "the loss"}] * 5
    bad = arm(tmp_path / "bad", [None] * 5, sequences_seen=[12] * 5, failed=failed)
    (found,) = compare([good, bad])
    assert found.significant


def test_where_nobody_solved_it_test_errors_are_ranked(tmp_path: Path) -> None:
    low = arm(tmp_path / "low", [None] * 5)
    final = {"test_error": [0.5, 0.6, 0.7, 0.8, None]}
    high = arm(tmp_path / "high", [None] * 5, final=final)
    (found,) = compare([high, low])
    assert (found.better, found.measure) == (low, "test error")
    assert found.significant


def test_one_arm_is_compared_with_nothing(tmp_path: Path) -> None:
    assert compare([arm(tmp_path / "a")]) == []
