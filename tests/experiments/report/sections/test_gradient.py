"""The gradient is told of as it was measured."""

import numpy as np
import pytest

from experiments.report.album import Album
from experiments.report.page import Heading, Picture, Table, Text
from experiments.report.probing import Inside
from experiments.report.sections.gates import gates
from experiments.report.sections.gradient import (
    best,
    carrier,
    gradient,
    gradient_story,
    reach,
    title_of,
)


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
    decay = carrier(found.before, best(found))
    assert decay is not None
    assert decay.rate == pytest.approx(0.5)
    assert gradient_story(found, named=True).startswith(f"In {inside.arm.label}, going 10 steps")


def test_a_dead_gradient_leaves_nothing(inside: Inside) -> None:
    story = gradient_story(with_flow(inside, 0.0, 1.0))
    assert "nothing of the gradient is left before training (dead) and all after" in story


def test_of_several_layers_it_is_that_of_the_one_that_carries_most(inside: Inside) -> None:
    faint, whole = with_flow(inside, 0.5, 0.1), with_flow(inside, 0.25, 1.0)
    assert faint.before.flows is not None
    assert faint.after.flows is not None
    assert whole.before.flows is not None
    assert whole.after.flows is not None
    both = inside._replace(
        cells=("layer 0", "layer 1"),
        before=inside.before._replace(flows=faint.before.flows + whole.before.flows),
        after=inside.after._replace(flows=faint.after.flows + whole.after.flows),
    )
    assert best(both) == 1
    assert gradient_story(both) == (
        "In layer 1, where most of it is left, going 10 steps back in time, a share of 1e-06 of "
        "the gradient is left before training (vanishing) and all after it (steady)."
    )
    label = inside.arm.label
    assert gradient_story(both, named=True).startswith(f"In {label}, layer 1, where most of it")


def test_the_gradient_of_one_run(inside: Inside, album: Album) -> None:
    section = gradient([with_flow(inside, 0.5, 1.0)], album)
    assert section is not None
    picture, table = section.blocks
    assert isinstance(picture, Picture)
    assert isinstance(table, Table)
    assert "before training (vanishing)" in picture.alt
    assert [*table.rows[-2:]] == [
        ("layer 0: c, before training", "0.5", "1", "0.00098", "vanishing"),
        ("layer 0: c, after", "1", "–", "1", "steady"),
    ]


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
