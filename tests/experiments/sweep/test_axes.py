"""Axes are in order where they are numbers, and keep apart what would hide one another."""

import pytest

from experiments.sweep.axes import Axis, found_axes, spans_decades
from tests.experiments.sweep.fabricated import result

RATES = Axis("optimizer.learning_rate", "learning_rate", (1e-3, 1e-2, 1e-1))


def test_numbers_are_sorted_and_names_stay_as_they_came() -> None:
    values = [(8, "lstm"), (2, "gru"), (4, "lstm"), (2, "elman")]
    sizes, cells = found_axes(
        [result({"model.hidden_size": s, "model.cell": c}) for s, c in values]
    )
    assert (sizes.values, cells.values) == ((2, 4, 8), ("lstm", "gru", "elman"))
    assert (sizes.name, sizes.numeric, cells.numeric) == ("hidden_size", True, False)
    assert (sizes.positions(), cells.positions()) == ([2, 4, 8], [0, 1, 2])


def test_a_position_moves_by_a_share_of_the_axis() -> None:
    assert RATES.moved(1e-2, 0.5) == pytest.approx(1e-1)
    assert RATES.moved(1e-2, -0.5) == pytest.approx(1e-3)
    assert Axis("a", "a", (10, 20, 40)).moved(20.0, 0.1) == pytest.approx(23)
    assert Axis("a", "a", ("x", "y")).moved(1.0, -0.25) == pytest.approx(0.75)
    assert Axis("a", "a", (5,)).moved(5.0, 0.1) == 5.0


def test_values_of_several_types_are_names() -> None:
    (axis,) = found_axes([result({"model.embedding_size": v}) for v in (None, 8, True)])
    assert (axis.numeric, axis.positions()) == (False, [0, 1, 2])


@pytest.mark.parametrize("values, spans", [([1, 9], False), ([-1, 1], False), ([2, 30], True)])
def test_what_spans_decades(values: list[float], spans: bool) -> None:
    assert spans_decades(values) == spans
