"""A memory curve: as much as a readout explains, never less than nothing."""

import numpy as np

from experiments.report.figures.recall import memory_curve


def test_curves_are_over_their_lags() -> None:
    before, after = np.array([0.9, -7.0, np.nan]), np.array([1.0, 0.5, 0.25])
    figure = memory_curve(np.array([1, 2, 8]), {"layer 0": before}, {"layer 0": after})
    (axes,) = figure.axes
    lines = axes.lines[:2]
    assert all(line.get_xdata().tolist() == [1, 2, 8] for line in lines)
    np.testing.assert_allclose(lines[0].get_ydata(), [0.9, 0.0, np.nan])
    np.testing.assert_allclose(lines[1].get_ydata(), after)
    assert [line.get_label() for line in lines] == ["before training", "after training"]
    assert axes.get_xlabel() == "k, steps back"
