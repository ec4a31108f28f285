"""The picture of a recipe: marks where the figures are, and nothing upon anything else."""

import math
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.reproduce.picture import draw
from experiments.reproduce.rows import Row
from tests.experiments.reproduce.fabricated import row


def drawn(rows: list[Row], tmp_path: Path, figures: list[Figure]) -> list[Axes]:
    draw(rows, "A [title] of $x", tmp_path / "rows.png")
    assert (tmp_path / "rows.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    return figures[-1].axes


def marks(axes: Axes, marker: str, size: float) -> list[tuple[float, float]]:
    return [
        (x, y)
        for line in axes.lines
        if line.get_marker() == marker and line.get_markersize() == size
        for x, y in line.get_xydata().tolist()
    ]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_paper_our_mean_and_every_seed_have_a_mark(
    tmp_path: Path, figures: list[Figure]
) -> None:
    rows = [
        row("a", [100, 400, 1000], paper=2000, rate=1.0),
        row("b", [50], rate=0.62),
        row("c", paper=300),
    ]
    (axes,) = drawn(rows, tmp_path, figures)
    assert marks(axes, "D", 6.5) == [(2000, 0), (300, 2)]
    assert marks(axes, "o", 5) == [(500, 0), (50, 1)]
    assert [x for x, _ in marks(axes, "o", 3.2)] == [100, 400, 1000, 50]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert texts(axes)[:1] == ["no seed solved it in 50,000"]
    assert texts(axes)[1:10] == ["100%", "3/4", "4.00", "62%", "1/4", "–", "–", "0/4", "–"]
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 50 < 2000 < high


def test_rows_with_an_error_alone_have_a_panel_of_their_own(
    tmp_path: Path, figures: list[Figure]
) -> None:
    rows = [row("a", error=0.1), row("b", [9], paper=9, error=0.1), row("c", error=1, errors=())]
    upper, lower = drawn(rows, tmp_path, figures)
    assert [label.get_text() for label in upper.get_yticklabels()] == ["b"]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["a", "c"]
    assert marks(lower, "D", 6.5) == [(0.1, 0), (1, 1)]
    assert marks(lower, "o", 5) == [(0.25, 0)]
    assert texts(lower) == ["no finite error"]
    assert lower.get_xlabel() == "mean absolute error on test data"


def many() -> list[Row]:
    rows = [
        row(f"2c 1000/{n}", [10**3 + 300 * n, 5000, 10**5], 10, 20_000 * 1.1**n) for n in range(26)
    ]
    rows += [row(f"unsolved {n}", (), 10, 10.0 ** (3 + n)) for n in range(4)]
    return [*rows, row("diverged", (), 10, 100, status="diverged"), row("none", status="missing")]


ONE = [row("a", [900, 3000], 2, 1000)]


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "rows", [many(), ONE, [row("a")], [row("a", status="missing", error=0.1)], [row("z", error=0)]]
)
def test_no_words_lie_on_others_or_on_the_mark_of_the_paper(
    tmp_path: Path, figures: list[Figure], rows: list[Row]
) -> None:
    panels = drawn(rows, tmp_path, figures)
    figure = figures[-1]
    figure.draw_without_rendering()
    for axes in panels:
        words = [*axes.texts, *axes.get_yticklabels()]
        boxes = [text.get_window_extent() for text in words]
        papers = [line.get_window_extent() for line in axes.lines if line.get_marker() == "D"]
        for place, box in enumerate(boxes):
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width
            assert not any(box.overlaps(other) for other in boxes[place + 1 :])
            assert not any(box.overlaps(mark) for mark in papers)
        assert all(math.isfinite(limit) for limit in axes.get_xlim())


@pytest.mark.parametrize("best, ours", [(False, "ours, median"), (True, "ours, best")])
def test_the_legend_says_which_of_the_seeds_the_mark_is(
    best: bool, ours: str, tmp_path: Path, figures: list[Figure]
) -> None:
    drawn([row(error=0.1, best=best, errors=(0.05, 0.2))], tmp_path, figures)
    assert ours in [text.get_text() for text in figures[-1].legends[0].get_texts()]
