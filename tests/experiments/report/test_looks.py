"""Sections on what is inside say and show what the diagnostics found."""

from pathlib import Path

import numpy as np
import pytest

from experiments.report.album import Album
from experiments.report.looks import (
    ablation_table,
    carrier,
    gates,
    gradient,
    gradient_story,
    memory,
    reach,
    signals_of,
    title_of,
)
from experiments.report.page import Heading, Picture, Table, Text
from experiments.report.probing import Example, Inside
from lstm_jax.diagnostics import Ablation
from lstm_jax.tasks import Copying
from lstm_jax.tasks import Text as TextTask


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "pictures")


def with_flow(inside: Inside, before: float, after: float) -> Inside:
    """The same, with a gradient of c that changes by these factors a step over ten lags."""
    lags = np.arange(11.0)
    flows = [({"h": np.ones(11), "c": factor**lags},) for factor in (before, after)]
    return inside._replace(
        before=inside.before._replace(flows=flows[0]), after=inside.after._replace(flows=flows[1])
    )


def test_the_story_of_the_gradient_is_that_of_what_carries_it(inside: Inside) -> None:
    found = with_flow(inside, 0.5, 1.0)
    assert reach(found) == 10
    assert gradient_story(found) == (
        "Going 10 steps back in time, a share of 1e-03 of the gradient is left before training "
        "(vanishing) and all after it (steady)."
    )
    decay = carrier(found.before)
    assert decay is not None
    assert decay.rate == pytest.approx(0.5)
    assert gradient_story(found, named=True).startswith(f"In {inside.arm.label}, going 10 steps")


def test_a_dead_gradient_leaves_nothing(inside: Inside) -> None:
    assert "nothing of the gradient is left before" in gradient_story(with_flow(inside, 0.0, 1.0))


def test_the_gradient_of_one_run(inside: Inside, album: Album) -> None:
    section = gradient([with_flow(inside, 0.5, 1.0)], album)
    assert section is not None
    picture, table = section.blocks
    assert isinstance(picture, Picture)
    assert isinstance(table, Table)
    assert "before training (vanishing)" in picture.alt
    assert table.rows[-1] == (
        "layer 0: c", "0.5", "1", "1", "–", "0.00098", "1", "vanishing", "steady",
    )  # fmt: skip


def test_several_stand_side_by_side(inside: Inside, album: Album) -> None:
    other = inside._replace(arm=inside.arm._replace(label="another"))
    section = gradient([inside, other], album)
    assert section is not None
    assert sum(isinstance(block, Text) for block in section.blocks) == 2
    assert len(album.files) == 1
    assert title_of(other, 0, several=True) == "another"
    shown = [*gates([inside, other], album).blocks]
    assert [block.text for block in shown if isinstance(block, Heading)][1] == "another"


def test_without_a_gradient_there_is_no_section(inside: Inside, album: Album) -> None:
    none = inside._replace(after=inside.after._replace(flows=None))
    assert gradient([none], album) is None


def test_the_marks_of_adding_are_told(inside: Inside, album: Album) -> None:
    signals, events, told = signals_of(inside)
    assert list(signals[0].values) == ["value", "marker"]
    assert len(events) == 2
    assert np.asarray(signals[0].values["marker"])[events].tolist() == [1, 1]
    assert f"{events[0]} and {events[1]}" in told
    (picture,) = gates([inside], album).blocks
    assert isinstance(picture, Picture)
    assert "forget gate f" in picture.alt
    assert "has not been trained on this sequence" in picture.caption


def test_copying_shows_symbols_and_counts_the_wrong_ones(inside: Inside) -> None:
    task = Copying("arjovsky2016", gap=5)
    inputs = np.array([3, 1, 2, 4, 5, 6, 7, 8, 1, 2, 0, 0, 0, 0, 9, *[0] * 10])
    targets = np.array([*[0] * 15, *inputs[:10]])
    outputs = np.eye(9)[np.where(np.arange(25) == 16, 0, targets)]
    example = Example(inputs, targets, outputs, inside.example.traces)
    signals, events, told = signals_of(inside._replace(task=task, example=example))
    assert events == [14]
    assert "it has 1 of them wrong" in told
    assert all(signal.tokens for signal in signals)


def test_a_text_is_shown_with_what_was_expected(inside: Inside, album: Album) -> None:
    task = TextTask("abc <&>\n" * 200, window=8, held_out=0.5, target_bits=1.0)
    codes = task.codes[:31]
    outputs = np.eye(task.output_size)[codes[1:]] * 5.0
    traces = ({"c": np.random.default_rng(0).normal(size=(30, 3))},)
    example = Example(codes[:-1], codes[1:], outputs, traces)
    (picture,) = gates([inside._replace(task=task, example=example)], album).blocks
    assert isinstance(picture, Picture)
    assert "right 30 of 30 times" in picture.alt


def test_memory_has_scales_a_curve_and_the_worth_of_gates(inside: Inside, album: Album) -> None:
    section = memory([inside], album)
    assert section is not None
    assert [type(block) for block in section.blocks] == [Picture, Picture, Table]
    assert len(album.files) == 2


def test_of_a_cell_without_gates_there_is_the_curve_alone(inside: Inside, album: Album) -> None:
    plain = inside._replace(
        before=inside.before._replace(statistics=None),
        after=inside.after._replace(statistics=None),
        ablation=None,
    )
    section = memory([plain], album)
    assert section is not None
    assert [type(block) for block in section.blocks] == [Picture]


def test_what_a_gate_is_worth(inside: Inside) -> None:
    found = Ablation(np.float32(0.5), ({"f": np.float32(1.0)},))  # type: ignore[arg-type, dict-item]
    table = ablation_table(inside._replace(ablation=found))
    assert list(table.rows) == [("as it is", "0.5", ""), ("forget gate f held", "1", "2 times")]
