"""Heat maps: every step and unit, or means over neighbours, the longest memory above."""

import numpy as np
import pytest

from experiments.report.figures.gates import (
    MAX_STEPS,
    MAX_UNITS,
    Signal,
    draw_map,
    gate_maps,
    scale_of,
    shrunk,
)
from experiments.report.figures.style import as_svg, new_figure

RNG = np.random.default_rng(0)


def traces(steps: int, units: int) -> dict[str, np.ndarray]:
    return {
        "f": RNG.uniform(size=(steps, units)),
        "c": RNG.normal(size=(steps, units)),
    }


@pytest.mark.parametrize("steps, units", [(5, 1), (100, 8), (2000, 3), (30, 300)])
def test_pictures_are_small_and_all_panels_share_their_steps(steps: int, units: int) -> None:
    signal = Signal("the input", {"value": RNG.normal(size=steps), "marker": np.zeros(steps)})
    figure = gate_maps(traces(steps, units), [signal], events=[1, 3])
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    panels = [axes for axes in panels if axes.get_xlim() == (-0.5, steps - 0.5)]
    assert [panel.get_title(loc="left") for panel in panels] == [
        "the input", "forget gate f", "cell state c",
    ]  # fmt: skip
    for panel in panels[1:]:
        (image,) = panel.images
        assert image.get_array().shape == (min(units, MAX_UNITS), min(steps, MAX_STEPS))
    assert panels[-1].get_xlabel() == "step of time"
    assert len(as_svg(figure, "one", "alt")) < 600_000


def test_units_are_sorted_by_how_long_they_remember() -> None:
    values = np.array([[0.1, 0.2, 0.3]] * 4)
    axes = new_figure(3, 2).add_subplot()
    image = draw_map(axes, "f", values, np.array([5.0, np.inf, 1.0]))
    np.testing.assert_array_equal(image.get_array()[:, 0], [0.2, 0.1, 0.3])


def test_events_go_through_every_panel() -> None:
    signal = Signal("tokens", {"read": np.arange(9)}, tokens=True)
    figure = gate_maps(traces(9, 2), [signal], events=[4])
    with_lines = [
        axes for axes in figure.axes
        if any(set(line.get_xdata()) == {4} for line in axes.lines)
    ]  # fmt: skip
    assert len(with_lines) == 3


def test_gates_are_held_to_one_scale_and_states_to_zero() -> None:
    assert (scale_of("f", np.ones((2, 2))).vmin, scale_of("f", np.ones((2, 2))).vmax) == (0, 1)
    values = np.linspace(-2.0, 3.0, 40)[:, None] * np.ones(40)
    values[:, 7] = -300.0  # a unit of its own
    values[0, 0], values[1, 0] = np.nan, np.inf
    states = scale_of("c", values)
    assert states.vmin == -states.vmax
    assert 2.5 < states.vmax <= 3.0
    assert scale_of("c", np.zeros((2, 2))).vmax == 1.0


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_are_averaged(axis: int) -> None:
    values = np.arange(24.0).reshape((12, 2) if axis == 0 else (2, 12))
    small = shrunk(values, 5, axis)
    assert small.shape[axis] == 5
    assert values.min() <= small.min() <= small.max() <= values.max()
    starts = np.linspace(0, 12, 5, endpoint=False).round().astype(int)
    expected = np.stack([part.mean(axis) for part in np.split(values, starts[1:], axis)], axis)
    np.testing.assert_allclose(small, expected)
    assert shrunk(values, 12, axis) is values
