"""Every seed is a dot: filled where it solved the task, hollow where it did not."""

from pathlib import Path

from experiments.report.figures.seeds import sequences_to_solve
from tests.experiments.report.fabricated import arm


def test_dots_stand_where_seeds_stopped(tmp_path: Path) -> None:
    arms = [arm(tmp_path / "a", [100, 120, None]), arm(tmp_path / "b", [None])]
    (axes,) = sequences_to_solve(arms, 250.0, "Someone 1999").axes
    dots = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    filled = sorted(line.get_xdata()[0] for line in dots if line.get_markerfacecolor() != "none")
    hollow = sorted(line.get_xdata()[0] for line in dots if line.get_markerfacecolor() == "none")
    assert (filled, hollow) == ([100, 120], [400, 400])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"]
    labels = axes.get_legend_handles_labels()[1]
    assert labels == [
        "solved", "not solved by then", "median of the solved", "published: Someone 1999",
    ]  # fmt: skip


def test_nothing_is_explained_that_is_not_there(tmp_path: Path) -> None:
    (axes,) = sequences_to_solve([arm(tmp_path / "a", [100])], None).axes
    assert axes.get_legend_handles_labels()[1] == ["solved", "median of the solved"]
