"""Learning curves show every seed, where it solved the task, and what it is held to."""

from pathlib import Path

import pytest

from experiments.report.arms import Levels
from experiments.report.figures.curves import FEW, learning_curves, median_curve
from tests.experiments.report.fabricated import arm

LEVELS = Levels("the error", 0.2, 0.01)


@pytest.mark.parametrize("seeds", [1, 2, 10])
def test_every_seed_is_drawn(tmp_path: Path, seeds: int) -> None:
    found = arm(tmp_path / "a", [100 + seed for seed in range(seeds)])
    (axes,) = learning_curves([found], LEVELS).axes
    drawn = [line for line in axes.lines if len(line.get_xdata()) > 1 and line.get_alpha() != 0]
    curves = [line.get_xydata().tolist() for line in drawn]
    for seed in found.seeds:
        assert [list(point) for point in seed.curve.error] in curves
    stars = [line for line in axes.lines if line.get_marker() == "*" and len(line.get_xdata())]
    assert sorted(float(star.get_xdata()[0]) for star in stars) == [100 + n for n in range(seeds)]
    labels = axes.get_legend_handles_labels()[1]
    assert ("seed 0" in labels) == (seeds <= FEW)


def test_axes_say_what_they_measure(tmp_path: Path) -> None:
    (axes,) = learning_curves([arm(tmp_path / "a")], LEVELS).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training sequences", "the error")
    assert {text.get_text() for text in axes.texts} == {"chance", "solved below"}
    assert axes.get_yscale() == "log"


def test_several_arms_have_a_colour_and_a_median_each(tmp_path: Path) -> None:
    arms = [arm(tmp_path / name, [None, None, 200]) for name in "ab"]
    (axes,) = learning_curves(arms, LEVELS).axes
    handles, labels = axes.get_legend_handles_labels()
    assert labels == ["a", "b"]
    assert len({handle.get_color() for handle in handles}) == 2
    assert len(axes.lines) >= 2 * 4


def test_the_median_holds_those_that_stopped() -> None:
    curves = [[(1.0, 8.0), (2.0, 4.0)], [(1.0, 6.0), (2.0, 2.0), (3.0, 1.0)]]
    assert median_curve(curves) == [(1.0, 7.0), (2.0, 3.0), (3.0, 2.5)]
    assert median_curve([[], []]) == []


def test_levels_that_are_not_known_are_not_drawn(tmp_path: Path) -> None:
    (axes,) = learning_curves([arm(tmp_path / "a")], Levels("error", None, None)).axes
    assert not axes.texts
