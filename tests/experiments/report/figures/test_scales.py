"""Time scales: a column for each unit, the longest memory first."""

import numpy as np
import pytest

from experiments.report.figures.scales import MOST, Scales, time_scales


@pytest.mark.parametrize("layers", [1, 2])
def test_units_are_in_the_order_of_their_memory_after_training(layers: int) -> None:
    scales = Scales("layer", np.array([1.0, 2.0, 3.0]), np.array([10.0, np.inf, 5.0]))
    figure = time_scales([scales] * layers, lag=100)
    assert len(figure.axes) == layers
    before, after = figure.axes[0].lines[:2]
    assert after.get_ydata().tolist() == [MOST, 10.0, 5.0]
    assert before.get_ydata().tolist() == [2.0, 1.0, 3.0]
    assert "steps" in figure.axes[0].get_ylabel()
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["before training", "after training"]


def test_many_units_are_many_small_dots() -> None:
    figure = time_scales([Scales("layer", np.ones(200), np.arange(1.0, 201.0))])
    assert figure.axes[0].lines[1].get_markersize() < 3
