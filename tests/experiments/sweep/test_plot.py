"""The picture of a sweep: what goes along, what becomes a line, and when cells become rows."""

import math
import struct
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from experiments.sweep.plot import MAX_LINES, MAX_ROWS, plot
from experiments.sweep.results import Result
from tests.experiments.sweep.fabricated import result

RATE, SIZE, BIAS = "optimizer.learning_rate", "model.hidden_size", "model.bias"


def bars(panel: Axes) -> list[ErrorbarContainer]:
    return [each for each in panel.containers if isinstance(each, ErrorbarContainer)]


def points(bar: ErrorbarContainer) -> list[list[float]]:
    return bar.lines[0].get_xydata().tolist()


def drawn(results: list[Result], tmp_path: Path, figures: list[Figure]) -> list[Axes]:
    plot(results, "A title", tmp_path / "sweep.png")
    content = (tmp_path / "sweep.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert 1000 <= width <= 2000
    assert 200 <= height <= 3000
    return figures[-1].axes


def ticks(panel: Axes) -> list[str]:
    return [text.get_text() for text in panel.get_xticklabels()]


def test_one_axis_of_numbers(tmp_path: Path, figures: list[Figure]) -> None:
    results = [
        result({RATE: 0.1}),
        result({RATE: 1e-3}, [900, 100]),
        result({RATE: 1e-2}, [100, 300, 200]),
    ]
    upper, lower = drawn(results, tmp_path, figures)
    (rate,), (sequences,) = bars(upper), bars(lower)
    assert points(rate) == [[1e-3, 0.5], [1e-2, 0.75], [0.1, 0.0]]
    assert points(sequences)[:2] == [[1e-3, 500], [1e-2, 200]]
    assert math.isnan(points(sequences)[2][1])
    spans = [segment[:, 1].tolist() for segment in rate.lines[2][0].get_segments()]
    expected = [list(each.interval) for each in (results[1], results[2], results[0])]
    assert [pytest.approx(span) for span in spans] == expected
    reach = [segment[:, 1].tolist() for segment in sequences.lines[2][0].get_segments()[:2]]
    assert reach == [[100, 900], [100, 300]]
    assert lower.get_xscale() == "log"
    assert (lower.get_xlabel(), ticks(lower)) == ("learning_rate", ["0.001", "0.01", "0.1"])
    assert figures[0].get_suptitle() == "A title"


def test_numbers_within_a_decade_are_evenly_spaced(tmp_path: Path, figures: list[Figure]) -> None:
    results = [result({SIZE: size}, [10, 200]) for size in (8, 4, 16)]
    _, lower = drawn(results, tmp_path, figures)
    assert (lower.get_xscale(), lower.get_yscale(), ticks(lower)) == (
        "linear",
        "log",
        ["4", "8", "16"],
    )


def test_one_axis_of_names_has_no_lines_between(tmp_path: Path, figures: list[Figure]) -> None:
    results = [result({BIAS: value}, [10]) for value in ("chrono", {"name": "forget", "value": 2})]
    upper, lower = drawn(results, tmp_path, figures)
    assert points(bars(upper)[0]) == [[0, 0.25], [1, 0.25]]
    assert bars(upper)[0].lines[0].get_linestyle() == "None"
    assert ticks(lower) == ["chrono", "forget(value=2)"]


def test_the_second_axis_becomes_lines_beside_one_another(
    tmp_path: Path, figures: list[Figure]
) -> None:
    results = [result({SIZE: s, RATE: r}, [10]) for s in (4, 8) for r in (1e-3, 1e-2, 1e-1)]
    upper, _ = drawn(results, tmp_path, figures)
    first, second = bars(upper)
    assert [bar.get_label() for bar in (first, second)] == ["4", "8"]
    assert [y for _, y in points(first)] == [0.25] * 3
    x = [[x for x, _ in points(bar)] for bar in (first, second)]
    for left, rate, right in zip(x[0], (1e-3, 1e-2, 0.1), x[1], strict=True):
        assert left < rate < right
    (legend,) = figures[0].legends
    assert legend.get_title().get_text() == "hidden_size"


def test_numbers_go_along_even_where_there_are_more_names(
    tmp_path: Path, figures: list[Figure]
) -> None:
    cells = ("lstm", "gru", "elman")
    results = [result({"model.cell": c, SIZE: s}, [10]) for c in cells for s in (4, 8)]
    upper, lower = drawn(results, tmp_path, figures)
    assert lower.get_xlabel() == "hidden_size"
    assert [bar.get_label() for bar in bars(upper)] == [*cells]


def grid(*sizes: int) -> list[Result]:
    found: list[dict[str, int]] = [{}]
    for axis, size in enumerate(sizes):
        found = [{**each, f"a.k{axis}": n} for each in found for n in range(size)]
    return [result(each, [10]) for each in found]


@pytest.mark.parametrize(
    "results, rows",
    [
        (grid(3, 2, 2), True),
        (grid(3, 2, 1), False),
        (grid(9, MAX_LINES), False),
        (grid(9, MAX_LINES + 1), True),
    ],
)
def test_more_than_two_axes_or_many_lines_become_rows(
    tmp_path: Path, figures: list[Figure], results: list[Result], rows: bool
) -> None:
    left, right = drawn(results, tmp_path, figures)
    assert (left.get_xlabel() == "seeds that solved the task") == rows
    if rows:
        assert [y for _, y in points(bars(right)[0])] == [*range(min(len(results), MAX_ROWS))]


def test_rows_are_named_in_order_and_only_the_best_are_shown(
    tmp_path: Path, figures: list[Figure]
) -> None:
    left, _ = drawn(grid(10, 4, 2), tmp_path, figures)
    names = [text.get_text() for text in left.get_yticklabels()]
    assert (len(names), names[:2]) == (MAX_ROWS, ["k0 0, k1 0, k2 0", "k0 0, k1 0, k2 1"])
    assert left.get_ylim()[0] > left.get_ylim()[1]
    assert figures[0].get_suptitle() == "A title\nthe best 60 of 80 cells"


def test_a_sweep_that_solved_nothing_says_so(tmp_path: Path, figures: list[Figure]) -> None:
    _, lower = drawn([result({SIZE: size}) for size in (4, 8)], tmp_path, figures)
    assert [text.get_text() for text in lower.texts] == ["no seed solved the task"]


@pytest.mark.few(2)
@pytest.mark.parametrize("values", [{}, {SIZE: 4}, {RATE: 0.0}, {BIAS: r"a$\b$"}])
def test_a_single_cell_has_a_picture(
    tmp_path: Path, figures: list[Figure], values: dict[str, object]
) -> None:
    assert len(drawn([result(values or {"title": ""}, [7])], tmp_path, figures)) == 2
