"""What came of each row of a recipe, held against what the paper has of it.

A row reaches the paper where our seeds solve the task at least as often, need no more training
sequences on average, and err no more on test data: each where the paper has a figure of it. A paper
that gives sequences and no solve rate speaks of trials that all solved the task.

Papers give arithmetic means, so ours is one too: of the seeds that solved the task, with Student's
interval, mean ± t s / sqrt(n), which is wide where seeds are few and needs two of them. It is cut
at zero. (A bootstrap of a handful of seeds is too narrow.)
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scipy.special import stdtrit

from experiments.build import build_task
from experiments.config.schema import Published
from experiments.reproduce.study import Recipe
from experiments.sweep.results import Result, in_order
from experiments.sweep.work import Work
from experiments.words import digits


class Row(NamedTuple):
    """A row of a paper and our result."""

    published: Published
    result: Result
    limit: int
    """Training sequences that a seed has at most."""
    unit: str
    """What the test error measures."""

    @property
    def name(self) -> str:
        """What the paper calls it."""
        return self.published.row

    @property
    def mean(self) -> float:
        """Sequences of the seeds that solved the task; NaN where none did."""
        return statistics.fmean(self.result.sequences) if self.result.sequences else math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% confidence interval of that mean; None for fewer than two seeds."""
        return mean_interval(self.result.sequences)

    @property
    def rate_to_reach(self) -> float | None:
        """The share of seeds that is to solve the task; None where the paper has nothing of it."""
        if self.published.solve_rate is None and self.published.sequences is not None:
            return 1.0
        return self.published.solve_rate

    @property
    def often_enough(self) -> bool:
        """Whether it is solved as often as the paper has it, in whole percents as papers give it:
        29 of 30 trials are 97%.
        """
        reach = self.rate_to_reach
        return self.result.finished and (reach is None or round(self.result.rate, 2) >= reach)

    @property
    def ratio(self) -> float | None:
        """The paper's sequences over ours; None where either is missing."""
        if self.published.sequences is None or not self.result.sequences:
            return None
        return self.published.sequences / self.mean

    @property
    def error(self) -> float:
        """The test error that is held against the paper's: the median, or the best seed's where
        the paper has that of its best trial; infinite where no seed has a finite one.
        """
        if self.published.best:
            return min(self.result.errors, default=math.inf)
        return self.result.median_error

    @property
    def all_solved(self) -> bool:
        """Whether every seed solved the task."""
        return self.result.finished and self.result.solved == self.result.seeds

    @property
    def has_figures(self) -> bool:
        """Whether anything of it is published."""
        paper = self.published
        return (paper.sequences, paper.solve_rate, paper.error) != (None,) * 3

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """In what it falls short of the paper, in words."""
        if not self.result.finished:
            return ("no result",)
        return tuple(self._shortfalls())

    @property
    def verdict(self) -> str:
        """In what it falls short, or that it reaches the paper."""
        if self.result.finished and not self.has_figures:
            return "no figure published"
        return "; ".join(self.shortfalls) or "reached"

    def _shortfalls(self) -> Iterator[str]:
        result, paper = self.result, self.published
        if not self.often_enough:
            diverged = ", diverged" if result.status == "diverged" else ""
            yield f"{result.solved}/{result.seeds} solved{diverged}"
        if self.ratio is not None and self.ratio < 1:
            yield f"{digits(1 / self.ratio)}× as many sequences"
        if paper.error is not None and not self.error <= paper.error:
            yield f"error {digits_of(self.error)} > {digits_of(paper.error)}"


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95% confidence interval of the mean of positive numbers, cut at zero.

    >>> [round(bound, 3) for bound in mean_interval([10, 12, 14])]
    [7.032, 16.968]
    """
    if len(values) < 2:
        return None
    half = float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values)
    half /= math.sqrt(len(values))
    mean = statistics.fmean(values)
    return max(0.0, mean - half), mean + half


def digits_of(error: float) -> str:
    """An error in three digits, which may be very small or missing.

    >>> digits_of(0.0001234), digits_of(float("inf"))
    ('0.000123', 'not finite')
    """
    return f"{error:.3g}" if math.isfinite(error) else "not finite"


def collect(recipe: Recipe, work: Work) -> list[Row]:
    """The rows of a recipe in its order, with or without a result."""
    cells = recipe.sheet.cells
    found = in_order(cells, work.places, work.folder)
    return [
        Row(
            one, result, cell.experiment.train.max_sequences, build_task(cell.experiment).error_name
        )
        for one, cell, result in zip(recipe.published, cells, found, strict=True)
    ]
