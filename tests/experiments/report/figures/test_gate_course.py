"""The course of gates: a line for each seed, and their median, against the sequences seen."""

import numpy as np

from experiments.report.figures.gate_course import Course, gate_course


def test_seeds_and_their_median() -> None:
    means = np.array([[0.1, 0.5, np.nan], [0.2, 0.6, 0.7]])
    figure = gate_course([Course("layer 0", [10, 20], {"f": means, "q": means})])
    (axes,) = figure.axes
    *seeds, median = axes.lines[:4]
    assert [line.get_xdata().tolist() for line in (*seeds, median)] == [[10, 20]] * 4
    np.testing.assert_array_equal(seeds[2].get_ydata(), [np.nan, 0.7])
    np.testing.assert_allclose(median.get_ydata(), [0.3, 0.6])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["forget gate f", "q"]


def test_cells_stand_side_by_side() -> None:
    cells = [Course(name, [10], {"f": np.ones((1, 1))}) for name in ("layer 0", "layer 1")]
    assert [axes.get_title("left") for axes in gate_course(cells).axes] == ["layer 0", "layer 1"]
