"""Who trains where, against counting lane by lane, for any members, widths and devices."""

import hypothesis
import numpy as np
from hypothesis import strategies as st

from lstm_jax.training import Lanes

LANES = st.builds(
    Lanes,
    members=st.integers(1, 40),
    width=st.integers(1, 8),
    devices=st.integers(1, 6),
)


@st.composite
def some_run(draw: st.DrawFn) -> tuple[Lanes, np.ndarray]:
    """Lanes, and which of them run."""
    lanes = draw(LANES)
    chance = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return lanes, rng.uniform(size=lanes.count) < chance


def groups_by_device(lanes: Lanes, running: np.ndarray) -> list[int]:
    """The groups that each device has to run."""
    found = [0] * lanes.devices
    size = len(running) // lanes.devices
    for first in range(0, len(running), lanes.width):
        found[first // size] += bool(any(running[first : first + lanes.width]))
    return found


def fewest(lanes: Lanes, running: np.ndarray) -> int:
    """The groups of the busiest device where nothing is wasted."""
    groups = -(-int(running.sum()) // lanes.width)
    return -(-groups // lanes.devices)


@hypothesis.given(LANES)
def test_every_member_starts_in_one_lane(lanes: Lanes) -> None:
    start = lanes.start.tolist()
    assert len(start) == lanes.count
    assert sorted(place for place in start if place >= 0) == list(range(lanes.members))
    assert start.count(-1) == lanes.count - lanes.members


@hypothesis.given(LANES)
def test_lanes_are_the_fewest_whole_groups_that_all_devices_have(lanes: Lanes) -> None:
    assert lanes.count == lanes.groups * lanes.width * lanes.devices
    assert lanes.count >= lanes.members
    assert lanes.groups == 2 or lanes.members > (lanes.groups - 1) * lanes.width * lanes.devices


@hypothesis.given(LANES)
def test_members_start_packed(lanes: Lanes) -> None:
    """Whole groups of neighbours, dealt out to the devices in turn."""
    start, held = lanes.start, lanes.start >= 0
    dealt = groups_by_device(lanes, held)
    assert max(dealt) - min(dealt) <= 1
    assert dealt == sorted(dealt, reverse=True)
    assert lanes.packed(held) is None
    for group in start.reshape(-1, lanes.width):
        assert (np.diff(group[group >= 0]) == 1).all()
        assert (group[group < 0].size == 0) or (lanes.members - 1 in group) or (group < 0).all()


@hypothesis.given(some_run())
def test_the_cost_is_that_of_the_busiest_device(case: tuple[Lanes, np.ndarray]) -> None:
    lanes, running = case
    assert lanes.cost(running) == max(groups_by_device(lanes, running))


@hypothesis.given(some_run())
def test_packing_loses_nobody_and_is_worth_it_or_not_done(case: tuple[Lanes, np.ndarray]) -> None:
    lanes, running = case
    order = lanes.packed(running)
    if order is None:
        assert lanes.cost(running) == fewest(lanes, running)
        return
    assert sorted(order.tolist()) == list(range(lanes.count))
    packed = running[order]
    assert lanes.cost(packed) == fewest(lanes, running) < lanes.cost(running)
    dealt = groups_by_device(lanes, packed)
    assert max(dealt) - min(dealt) <= 1
    assert lanes.packed(packed) is None


def test_ten_members_on_two_devices() -> None:
    lanes = Lanes(members=10, width=4, devices=2)
    assert lanes.start.tolist() == [0, 1, 2, 3, 8, 9, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1]
    running = np.isin(lanes.start, [1, 6, 9])
    assert lanes.cost(running) == 2
    order = lanes.packed(running)
    assert order is not None
    assert lanes.start[order][running[order]].tolist() == [1, 9, 6]
    assert lanes.cost(running[order]) == 1
    assert lanes.packed(np.isin(lanes.start, [1, 6])) is None
