"""The gradient flow: relative, on one scale, and falling out of the picture where it is gone."""

import numpy as np
import pytest

from experiments.report.figures.flow import (
    CEILING,
    FLOOR,
    Panel,
    Trace,
    gradient_flow,
    limits,
    relative_norms,
)


def test_norms_are_relative_to_the_nearest_to_the_loss() -> None:
    np.testing.assert_allclose(relative_norms(np.array([4.0, 2.0, 0.0])), [1.0, 0.5, 0.0])
    found = relative_norms(np.array([0.0, 4.0, 1.0, np.nan, np.inf]))
    np.testing.assert_allclose(found, [np.nan, 1.0, 0.25, np.nan, np.inf])
    assert np.isnan(relative_norms(np.zeros(3))).all()


def test_limits_hold_all_that_can_be_shown() -> None:
    assert limits([np.array([1.0, 1e-4])]) == (5e-5, 2.0)
    low, high = limits([np.array([1.0, 1e-40]), np.array([1.0, 1e30])])
    assert (low, high) == (FLOOR, CEILING)
    assert limits([np.zeros(3)]) == (0.1, 10.0)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_every_panel_has_the_same_axes(count: int) -> None:
    norms = 0.9 ** np.arange(50.0)
    traces = [Trace("h", False, norms), Trace("c", True, norms * 3), Trace("h", True, norms**2)]
    figure = gradient_flow([Panel(f"cell {n}", traces) for n in range(count)], lag=40)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == [f"cell {n}" for n in range(count)]
    assert len({axes.get_ylim() for axes in shown}) == 1
    assert figure.axes[0].get_ylabel() == "gradient norm, relative"
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert sorted(told) == ["c, after training", "h, after training", "h, before training"]


def test_a_gradient_that_is_gone_leaves_the_picture() -> None:
    figure = gradient_flow([Panel("a", [Trace("h", True, np.array([1.0, 0.0, 0.0]))])])
    line = figure.axes[0].lines[0]
    assert line.get_ydata()[1] < figure.axes[0].get_ylim()[0]
