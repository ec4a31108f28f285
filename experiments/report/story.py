"""The findings of a report in sentences: what a reader wants to know first."""

import math
import statistics
from collections.abc import Sequence

from experiments.config import Published
from experiments.report.arms import Arm, Levels
from experiments.report.statistics import LEVEL, Comparison
from experiments.words import plural

ENDINGS = {
    "interrupted": "The run was interrupted from the keyboard and is not finished.",
    "terminated": "The run was terminated from outside and is not finished.",
    "running": "By its summary the run is still going on, or it was killed.",
    "failed": "The run failed and is not finished.",
    "diverged": "Every seed stopped at numbers that were not finite.",
}
"""What a reader has to know of a run that is not "completed"."""


MOST_NAMED = 6
"""Settings that a sentence names."""


def verdict(arm: Arm, levels: Levels) -> str:
    """What came of an arm, in a sentence or two."""
    solved, seeds = len(arm.needed), len(arm.seeds)
    if seeds == 1:
        who = "The only seed"
        said = f"{who} solved the task" if solved else f"{who} did not solve the task"
    elif solved == seeds:
        said = f"{'Both' if seeds == 2 else f'All {seeds}'} seeds solved the task"
    elif solved:
        said = f"{solved} of {seeds} seeds solved the task"
    else:
        said = f"None of the {seeds} seeds solved the task"
    if solved:
        said += f", after {spread(arm.needed, ',.0f')} training sequences."
    else:
        most = max(seed.seen for seed in arm.seeds)
        said += f" within {most:,} training sequences." if most else "."
    if arm.errors:
        said += f" On test data the {levels.error} is {spread(arm.errors, '.3g')}"
        said += f"; chance is {levels.chance:.3g}." if levels.chance is not None else "."
    return said


def beside_published(arm: Arm, published: Published) -> str:
    """How an arm stands beside what others had."""
    had = []
    if published.sequences is not None:
        had.append(f"needed {published.sequences:,.0f} sequences")
    if published.solve_rate is not None:
        had.append(f"solved it in {published.solve_rate:.0%} of their trials")
    if published.error is not None:
        had.append(f"had a test error of {published.error:.3g}")
    said = f"{published.source} {' and '.join(had)}." if had else ""
    if published.sequences is not None and arm.needed:
        ratio = published.sequences / arm.median
        more, factor = ("fewer", ratio) if ratio >= 1 else ("more", 1 / ratio)
        those = "" if len(arm.needed) == len(arm.seeds) else " of the seeds that solved it"
        said += f" The median here{those} is {factor:.3g} times {more}."
    return said


def who_wins(found: Sequence[Comparison]) -> list[str]:
    """What comparisons of the best arm with the others say, and what they cannot."""
    if not found:
        return []
    best, measures = found[0].better, {each.measure for each in found}
    won = [each for each in found if each.significant]
    said = []
    if len(won) == len(found):
        others = "the other" if len(found) == 1 else f"all {len(found)} others"
        said.append(
            f"“{best.label}” is better than {others}, by a difference in "
            f"{' and '.join(sorted(measures))} that chance would rarely give "
            f"({_at_most(won)}, over seeds)."
        )
    elif won:
        rest = [each for each in found if not each.significant]
        said.append(
            f"“{best.label}” does best, and better than {_named(won)} by more than chance would "
            f"often give ({_at_most(won)}); from {_named(rest)} it cannot be told apart at the "
            f"{LEVEL:.0%} level."
        )
    else:
        said.append(
            f"“{best.label}” does best here, but no difference is significant at the {LEVEL:.0%} "
            f"level (the least p is {min(each.p for each in found):.2g})."
        )
    if cut := [each.horizon for each in found if math.isfinite(each.horizon)]:
        said.append(
            f"Solutions after {min(cut):,.0f} sequences do not count in the test, as some seeds "
            "were given no more."
        )
    if hopeless := [each for each in found if each.hopeless]:
        which = "this comparison" if len(found) == 1 else f"{len(hopeless)} of {len(found)} of them"
        said.append(
            f"With so few seeds {which} could not have come out otherwise, whatever came: the "
            f"least p that there can be is {min(each.least_p for each in hopeless):.2g}. More "
            "seeds would tell."
        )
    return said


def _named(found: Sequence[Comparison]) -> str:
    """The others, by name where they are few."""
    if len(found) > MOST_NAMED:
        return f"{len(found)} others"
    *most, last = (f"“{each.other.label}”" for each in found)
    return f"{', '.join(most)} and {last}" if most else last


def _at_most(won: Sequence[Comparison]) -> str:
    return f"p ≤ {max(each.p for each in won):.2g}"


def spread(values: Sequence[float], form: str) -> str:
    """A few numbers: the median and the ends, or the only one.

    >>> spread([3, 1, 2], ".0f"), spread([5], ".0f")
    ('a median of 2 (1 to 3)', '5')
    """
    low, high = format(min(values), form), format(max(values), form)
    if low == high:
        return low
    return f"a median of {format(statistics.median(values), form)} ({low} to {high})"


def interval(arm: Arm) -> str:
    """The 95% confidence interval of a solve rate, in per cent."""
    low, high = arm.interval
    return f"{100 * low:.0f}–{high:.0%}"


def number(value: float | None, form: str = ".3g") -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else format(value, form)


def who_solved(arms: Sequence[Arm]) -> str:
    """How many seeds of each arm solved the task, best first."""
    ranked = sorted(arms, key=lambda arm: arm.standing)
    told = [f"“{arm.label}” {arm.solved}" for arm in ranked]
    if len(told) > MOST_NAMED:
        told = [*told[:MOST_NAMED], f"{len(told) - MOST_NAMED} other settings follow"]
    return f"Seeds that solved the task: {', '.join(told)}."


def seeds_and_runs(arms: Sequence[Arm]) -> str:
    """How much a comparison rests on.

    >>> seeds_and_runs([])
    '0 settings, 0 seeds in all'
    """
    return (
        f"{plural(len(arms), 'setting')}, {plural(sum(len(a.seeds) for a in arms), 'seed')} in all"
    )
