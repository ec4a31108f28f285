"""The picture: what each line and its bars say, and where a model was given up."""

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from experiments.frontier.picture import draw
from experiments.frontier.study import Spot, Study
from experiments.sweep.results import Result
from tests.experiments.frontier.conftest import MODELS


@pytest.fixture
def figure(
    study: Study,
    best: Mapping[Spot, Result],
    tmp_path: Path,
    figures: list[Figure],
) -> Figure:
    draw(study, best, "A title", tmp_path / "frontier.png")
    return figures[0]


def lines(panel: Axes) -> list[list[list[float]]]:
    return [line.get_xydata().tolist() for line in panel.lines if line.get_linestyle() == "-"]


def test_a_panel_for_each_task_and_a_line_for_each_model(figure: Figure) -> None:
    adding, order = figure.axes
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["Adding", "Temporal order"]
    assert lines(adding) == [
        [[20, 0]],
        [[20, 0.75], [30, 0]],
        [[20, 0.5], [30, 0.25]],
        [[20, 1], [30, 1], [100, 0.5]],
    ]
    assert lines(order)[-1] == [[20, 1], [30, 1]]
    assert adding.get_xscale() == "log"
    assert adding.get_xlim() == order.get_xlim()
    assert adding.get_xlabel() == "lag (length, in steps)"
    assert figure.get_suptitle() == "A title"


def test_bars_are_the_intervals(figure: Figure, best: Mapping[Spot, Result]) -> None:
    bars = [each for each in figure.axes[0].collections if isinstance(each, LineCollection)]
    spans = [segment[:, 1].tolist() for segment in bars[-1].get_segments()]
    lags = (20, 30, 100)
    wanted = [list(best[Spot("adding", lag, "LSTM, chrono")].interval) for lag in lags]
    assert [pytest.approx(span) for span in spans] == wanted


def test_a_cross_stands_where_a_model_was_given_up(figure: Figure) -> None:
    crosses = [
        line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "x"
    ]
    assert [each for each in crosses if each] == [[[20, 0]], [[30, 0]]]
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == [*MODELS, "solved by no seed: longer lags not run"]


def test_it_is_wide_enough_for_a_page(figure: Figure, tmp_path: Path) -> None:
    content = (tmp_path / "frontier.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24])[0] == 1800
