"""Whoever trains beside it and whatever devices share the work, a member learns the same bits.

The task has all that can go wrong in sharing a batch or a device: streams whose state is carried,
dropout, a criterion that the members meet at different steps, some of them never.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh

from lstm_jax import LSTM
from lstm_jax.initializers import ForgetBias
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.training import (
    SGD,
    Adam,
    Optimizer,
    Program,
    RMSProp,
    SeedState,
    Standing,
    Training,
    build_program,
    choose_mesh,
    group_width,
    members,
    together,
)
from lstm_jax.training.loop import Member, evaluate, runs, train_step
from tests.conftest import COMPLETE, OPTIMISED
from tests.lstm_jax.training.plain import (
    Leaky,
    Walk,
    assert_identical,
    at,
    by_member,
    train_plainly,
)
from tests.tolerances import CLOSE, assert_close

BATCH, WIDTH, STEPS, RATE = 4, 4, 30, 0.02


def lstm(forget: float = 1.0) -> SequenceModel:
    layer = LSTM(2, bias=ForgetBias(forget))
    return SequenceModel(Stack((layer,)), input_size=2, output_size=1, dropout=0.1)


def of(optimizer: Optimizer, shares: int = 1) -> Training:
    return Training(Walk(), lstm(), optimizer.build(STEPS + 20), BATCH, shares=shares)


TRAINING = of(Adam(RATE))


def program(
    training: Training = TRAINING,
    who: int | Member = 5,
    over_seeds: int = 1,
    over_data: int = 1,
    width: int = WIDTH,
) -> Program:
    """The same for all who ask for the same number of members."""
    if isinstance(who, int):
        return numbered(training, who, over_seeds, over_data, width)
    return build_program(training, who, mesh(over_seeds, over_data), width)


@functools.cache
def numbered(
    training: Training, count: int, over_seeds: int, over_data: int, width: int
) -> Program:
    return build_program(training, members(range(count), RATE), mesh(over_seeds, over_data), width)


def mesh(over_seeds: int, over_data: int) -> Mesh:
    devices = np.array(jax.devices("cpu")[: over_seeds * over_data])
    return Mesh(devices.reshape(over_seeds, over_data), ("seeds", "data"))


def train(run: Program, stops: Sequence[int] = (STEPS,)) -> dict[int, SeedState]:
    """Each member after a line of metrics, made in calls that end at `stops`."""
    states = run.start()
    for call, until in enumerate(stops):
        states, _ = run.run_steps(states, np.int32(until), np.bool_(call == 0))
    return by_member(states)


def assert_same(found: dict[int, SeedState], expected: dict[int, SeedState]) -> None:
    for place, state in found.items():
        assert_identical(state, expected[place])


@pytest.fixture(scope="module")
def ten() -> dict[int, SeedState]:
    """Ten members, on one device."""
    return train(program(who=10))


def test_members_stop_at_their_own_steps(ten: dict[int, SeedState]) -> None:
    assert sorted(ten) == list(range(10))
    steps = [int(state.step) for state in ten.values()]
    assert len({*steps}) > 5
    assert max(steps) == STEPS
    for state in ten.values():
        solved = state.record.solved_at
        assert solved == (state.step * BATCH if state.step < STEPS else -1)
        assert state.totals.steps == state.step


def test_each_learns_what_a_plain_loop_learns(ten: dict[int, SeedState]) -> None:
    for place in (0, 4):
        state = ten[place]
        who = Member(*state.member)
        expected = train_plainly(TRAINING, who, int(state.step))
        assert_close(state.learnt, expected.learnt, CLOSE["float32"])


@pytest.mark.parametrize("count, over_seeds", [(1, 1), (5, 2), (10, 2), (2, 1), (5, 1), (1, 2)])
@pytest.mark.few(2)
def test_neither_the_others_nor_their_devices_change_a_bit(
    ten: dict[int, SeedState], count: int, over_seeds: int
) -> None:
    assert_same(train(program(who=count, over_seeds=over_seeds)), ten)


@pytest.mark.skipif(not COMPLETE, reason="needs eight devices")
def test_eight_devices_change_no_bit(ten: dict[int, SeedState]) -> None:
    assert_same(train(program(who=10, over_seeds=8)), ten)
    assert_same(train(program(who=10, over_seeds=3)), ten)
    shared = of(Adam(RATE), shares=4)
    one = train(program(shared, who=10))
    for over_seeds, over_data in [(2, 4), (4, 2), (1, 4), (8, 1)]:
        assert_same(train(program(shared, 10, over_seeds, over_data)), one)


@pytest.mark.parametrize("shares, count", [(2, 1), (2, 5), (4, 5)])
@pytest.mark.few(1)
def test_devices_that_share_a_batch_change_no_bit(
    ten: dict[int, SeedState], shares: int, count: int
) -> None:
    """Their shares do, by rounding."""
    training = of(Adam(RATE), shares)
    one, two = (train(program(training, count, over_data=devices)) for devices in (1, 2))
    assert_same(two, one)
    early, whole = (train(program(each, 1), stops=(5,)) for each in (training, TRAINING))
    assert_close(early[0].learnt, whole[0].learnt, CLOSE["float32"])


OTHERS = [
    RMSProp(RATE, momentum=0.5),
    SGD(0.2, momentum=0.9),
    Adam(RATE, clip_norm=0.1),
    SGD(RATE, clip_norm=0.1),
    RMSProp(RATE, clip_norm=1.0),
]
BLENDED = Adam(RATE, clip_norm=0.1, weight_decay=0.01, schedule="cosine", warmup_steps=3)


@pytest.mark.parametrize("width", [WIDTH, 1])
@pytest.mark.parametrize(
    "optimizer",
    [BLENDED, *OTHERS] if OPTIMISED else OTHERS,  # the first rounds otherwise without it
    ids=str,
)
@pytest.mark.few(1)
def test_the_same_with_every_optimizer(optimizer: Optimizer, width: int) -> None:
    """Members, devices that share members, and devices that share batches."""
    shared = of(optimizer, shares=2)
    expected = train(program(shared, who=5, width=width))
    for count, over_seeds, over_data in [(1, 1, 2), (5, 2, 1)]:
        assert_same(train(program(shared, count, over_seeds, over_data, width)), expected)


def test_the_steps_per_call_change_no_bit(ten: dict[int, SeedState]) -> None:
    assert_same(train(program(who=5), stops=(1, 2, 9, 17, STEPS)), ten)


def test_members_who_change_their_lanes_keep_every_bit(ten: dict[int, SeedState]) -> None:
    run = program(who=5, over_seeds=2)
    rng = np.random.default_rng(0)
    states = run.start()
    for call, until in enumerate((3, 10, 14, STEPS)):
        states, standing = run.run_steps(states, np.int32(until), np.bool_(call == 0))
        order = rng.permutation(run.lanes.count).astype(np.int32)
        before = jax.device_get(states)
        states = run.reorder(states, order)
        assert_identical(jax.device_get(states), at(before, order))
    assert_same(by_member(states), ten)
    assert np.asarray(standing.running).any()


def test_a_solved_member_keeps_its_state_while_others_train(ten: dict[int, SeedState]) -> None:
    later = train(program(), stops=(STEPS, STEPS + 10))
    solved = [place for place in later if ten[place].record.solved_at >= 0]
    assert solved
    for place in solved:
        assert_identical(later[place], ten[place])
    assert max(state.step for state in later.values()) > STEPS


def test_neighbours_change_no_bit(ten: dict[int, SeedState]) -> None:
    """Nor does a place of another number."""
    who = members([7, 1, 8, 9, 3], RATE)
    for place, state in train(program(who=who)).items():
        expected = ten[int(who.seed[place])]
        assert_identical(state._replace(member=expected.member), expected)


def test_rates_and_initial_parameters_of_ones_own() -> None:
    """Each trains as it would alone, to the last bit."""
    models = [lstm(), lstm(forget=3.0)]
    several = dataclasses.replace(TRAINING, inits=tuple(model.init for model in models))
    who = together([members([3, 4], RATE, init=1), members([3], 3 * RATE), members([3], RATE)])
    assert who.place.tolist() == [0, 1, 2, 3]
    assert who.seed.tolist() == [3, 4, 3, 3]
    found = train(program(several, who), stops=(9,))
    for place in found if COMPLETE else (0, 2):
        state = found[place]
        alone = Member(*(field[place : place + 1] for field in who))
        own = dataclasses.replace(TRAINING, model=models[int(alone.init[0])])
        alone = alone._replace(place=np.zeros(1, np.int32), init=np.zeros(1, np.int32))
        (expected,) = train(program(own, alone), stops=(9,)).values()
        assert_identical(state._replace(member=expected.member), expected)
    forget = [float(state.learnt.params.stack[0].b[2:4].mean()) for state in found.values()]
    assert min(forget[:2]) > 2 > max(forget[2:])
    firsts = [found[place].learnt.params.w_out for place in (0, 2, 3)]
    assert len({leaf.tobytes() for leaf in firsts}) == 3


def test_what_a_host_reads_is_what_the_states_say() -> None:
    run = program(who=5, over_seeds=2)
    states, standing = run.run_steps(run.start(), np.int32(12), np.bool_(True))
    states, standing = jax.device_get((states, standing))
    assert_identical(standing, jax.device_get(Standing.of(states)))
    places = standing.place.tolist()
    assert places == run.lanes.start.tolist()
    assert sorted(place for place in places if place >= 0) == [0, 1, 2, 3, 4]
    for lane, place in enumerate(places):
        mine = at(states, lane)
        assert standing.step[lane] == (mine.step if place >= 0 else 0)
        assert standing.running[lane] == (place >= 0 and mine.step == 12 and bool(runs(mine)))
        assert standing.solved_at[lane] == mine.record.solved_at
        assert (standing.failed_at[lane], standing.bad_steps[lane]) == (-1, 0)
    assert not standing.running.all()
    assert standing.running.any()


def test_scores_each_member_on_its_own_test_sequences(ten: dict[int, SeedState]) -> None:
    run = program(who=5, over_seeds=2)
    states, _ = run.run_steps(run.start(), np.int32(STEPS), np.bool_(True))
    score = jax.jit(lambda state: evaluate(TRAINING, state)[1])
    for asked in (np.ones(run.lanes.count, bool), np.arange(run.lanes.count) == 1):
        tested, standing, scores = jax.device_get(run.evaluate(states, asked))
        assert_same(by_member(tested), ten)
        assert_identical(standing, jax.device_get(Standing.of(states)))
        for lane in np.flatnonzero(asked & (standing.place >= 0)):
            expected = score(ten[int(standing.place[lane])])
            assert_close(at(scores, int(lane)), expected, CLOSE["float32"])


def test_groups_that_are_not_asked_for_are_not_scored() -> None:
    run = program(who=9)
    asked = np.arange(run.lanes.count) == 1
    _, _, scores = jax.device_get(run.evaluate(run.start(), asked))
    assert (scores.error > 0).tolist() == (np.arange(run.lanes.count) < WIDTH).tolist()


def test_examines_the_coming_step_of_every_lane() -> None:
    run = program(who=5)
    states = run.start()
    params = states.learnt.params
    w_out = params.w_out.at[2].set(jnp.nan)
    learnt = states.learnt._replace(params=params._replace(w_out=w_out))
    finite = jax.device_get(run.examine(states._replace(learnt=learnt)))
    assert finite.loss.tolist() == [lane != 2 for lane in range(run.lanes.count)]


def test_it_is_the_same_step_that_is_trained() -> None:
    """One lane of a program against the step by itself."""
    state = by_member(program(who=1).start())[0]
    step = jax.jit(lambda state: train_step(TRAINING, state))
    for _ in range(5):
        state = step(state)
    assert_close(train(program(who=1), stops=(5,))[0], state, CLOSE["float32"])


def test_members_differ_by_their_seed_alone() -> None:
    found = members(range(4, 7), 0.5, init=2)
    assert_identical([*map(np.asarray, found)], [*map(np.asarray, expected_members())])


def expected_members() -> tuple[Any, ...]:
    return (
        np.array([0, 1, 2], np.int32),
        np.array([4, 5, 6], np.int32),
        np.array([0.5, 0.5, 0.5], np.float32),
        np.array([2, 2, 2], np.int32),
    )


@pytest.mark.parametrize(
    "hidden_size, batch_size, shares, expected",
    [
        *[(1, 8, 1, 8), (1, 9, 1, 4), (8, 1, 1, 8), (8, 2, 1, 4), (8, 8, 1, 4), (8, 9, 1, 2)],
        *[(8, 32, 1, 2), (8, 33, 1, 1), (8, 33, 3, 2), (8, 64, 8, 4), (8, 4096, 1, 1)],
        *[(16, 4, 1, 4), (16, 1, 1, 4), (17, 1, 1, 1)],  # recurrent weights of 4 H**2 numbers
    ],
)
def test_as_many_run_side_by_side_as_are_cheap(
    hidden_size: int, batch_size: int, shares: int, expected: int
) -> None:
    """By the 4 B H gates of a step and a share; beyond 1024 recurrent weights none do."""
    model = SequenceModel(Stack((LSTM(hidden_size),)), input_size=2, output_size=1)
    assert group_width(Training(Walk(), model, optax.sgd, batch_size, shares=shares)) == expected


def test_parameters_without_axes_count_as_no_width() -> None:
    class Scalar(Leaky):
        def init(self, key: jax.Array) -> dict[str, jax.Array]:
            return {"w": jnp.ones((2, 1)), "b": jnp.zeros(())}

    assert group_width(Training(Walk(), Scalar(), optax.sgd, 4)) == 8


class FakeDevice:
    platform, device_kind, process_index = "cpu", "cpu", 0

    def __init__(self, number: int) -> None:
        self.id = number


@pytest.mark.parametrize(
    "devices, groups, shares, expected",
    [
        (1, 4, 8, (1, 1)),
        (2, 4, 8, (2, 1)),
        (2, 1, 8, (1, 2)),
        (2, 1, 1, (1, 1)),
        (2, 3, 8, (2, 1)),
        (2, 1, 9, (1, 1)),
        (8, 16, 1, (8, 1)),
        (8, 10, 8, (8, 1)),
        (8, 4, 8, (4, 2)),
        (8, 2, 8, (2, 4)),
        (8, 3, 6, (3, 2)),
        (8, 2, 9, (2, 3)),
        (8, 3, 2, (3, 2)),
        (6, 4, 9, (2, 3)),
        (6, 4, 8, (3, 2)),
        (4, 3, 1, (3, 1)),
    ],
)
def test_a_mesh_uses_most_devices_and_members_come_first(
    devices: int, groups: int, shares: int, expected: tuple[int, int]
) -> None:
    chosen = choose_mesh([FakeDevice(number) for number in range(devices)], groups, shares)
    assert tuple(chosen.shape.items()) == (("seeds", expected[0]), ("data", expected[1]))
    numbers = [device.id for device in chosen.devices.flat]
    assert len(set(numbers)) == expected[0] * expected[1]
