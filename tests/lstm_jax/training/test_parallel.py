"""Many seeds on several devices learn what each learns alone, with a task of a few lines.

The task has all that can go wrong in sharing a batch or a device: streams whose state is carried,
dropout, a criterion that the seeds meet at different steps, one of them never.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh

from lstm_jax import LSTM
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import Batch, Scores, Task, Window
from lstm_jax.tasks.scores import regression
from lstm_jax.training import (
    Program,
    SeedState,
    Totals,
    Training,
    build_program,
    choose_mesh,
    parallel,
)
from tests.tolerances import CLOSE, assert_close

SEEDS = [0, 1, 2, 3]
BATCH = 4
STEPS = 30


class Walk(Task):
    """Follow the sum of two random inputs."""

    streams = True
    error_name = "absolute error"
    input_size, output_size, lag, chance = 2, 1, 4, 1.0
    criterion = Window(sequences=12, max_wrong=12, max_error=0.45)

    def batch(self, key: jax.Array, step: jax.Array, rows: jax.Array) -> Batch:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, step), rows)
        inputs = jax.vmap(lambda k: jax.random.normal(k, (4, 2)), out_axes=1)(keys)
        targets = 0.5 * inputs.sum(axis=-1, keepdims=True)
        return Batch(inputs, targets, jnp.ones(inputs.shape[:2]), None)

    def score(self, outputs: jax.Array, batch: Batch) -> Scores:
        return regression(outputs, batch, tolerance=0.5)


MODEL = SequenceModel(Stack((LSTM(2),)), input_size=2, output_size=1, dropout=0.1)
TRAINING = Training(Walk(), MODEL, optax.adam(0.02), BATCH)

Learnt = tuple[SeedState, Totals]


def program(over_seeds: int, over_data: int) -> Program:
    devices = np.array(jax.devices("cpu")[: over_seeds * over_data])
    devices = devices.reshape(over_seeds, over_data)
    return build_program(TRAINING, Mesh(devices, ("seeds", "data")))


def begin(run: Program, seeds: Sequence[int] = SEEDS) -> SeedState:
    return jax.device_get(run.start(jnp.array(seeds)))


def train(run: Program, state: SeedState, until: int = STEPS) -> Learnt:
    return jax.device_get(run.run_steps(state, jnp.int32(until)))


@pytest.fixture(scope="module")
def run() -> Program:
    """All seeds side by side on one device."""
    return program(1, 1)


@pytest.fixture(scope="module")
def beginning(run: Program) -> SeedState:
    return begin(run)


@pytest.fixture(scope="module")
def together(run: Program, beginning: SeedState) -> Learnt:
    return train(run, beginning)


def seed_of(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place : place + 1], tree)


def assert_identical(one: Any, other: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def assert_learnt_alike(one: Learnt, other: Learnt) -> None:
    """The same but for rounding: XLA orders sums by the shapes that meet on a device."""
    (state, totals), (state_2, totals_2) = one, other
    assert state.step.tolist() == state_2.step.tolist()
    assert state.record.solved_at.tolist() == state_2.record.solved_at.tolist()
    assert_close(state, state_2, CLOSE["float32"])
    assert_close(totals, totals_2, CLOSE["float32"])


def test_seeds_stop_at_their_own_steps(together: Learnt) -> None:
    state, totals = together
    solved = state.record.solved_at
    assert len({*state.step.tolist()}) == len(SEEDS)
    assert state.step.max() == STEPS
    assert solved.tolist() == [n * BATCH if n < STEPS else -1 for n in state.step]
    assert totals.steps.tolist() == state.step.tolist()


def test_neighbours_change_nothing(run: Program, together: Learnt) -> None:
    """To the last bit, where as many of them share a device."""
    others = train(run, begin(run, [7, 1, 8, 9]))
    assert_identical(seed_of(others, 1), seed_of(together, 1))


def test_a_solved_seed_keeps_its_parameters_while_others_train(
    run: Program, beginning: SeedState, together: Learnt
) -> None:
    state, _ = train(run, beginning, until=STEPS + 10)
    for place, solved_at in enumerate(together[0].record.solved_at):
        if solved_at >= 0:
            assert_identical(seed_of(state, place), seed_of(together[0], place))
    assert state.step.max() > STEPS


def test_a_seed_alone_learns_the_same(beginning: SeedState, together: Learnt) -> None:
    alone = train(program(1, 1), seed_of(beginning, 2))
    assert_learnt_alike(alone, seed_of(together, 2))


def test_seeds_over_two_devices_learn_the_same(beginning: SeedState, together: Learnt) -> None:
    assert_learnt_alike(train(program(2, 1), beginning), together)


def test_a_batch_over_two_devices_teaches_the_same(together: Learnt) -> None:
    """The state of the streams included, each device holding that of its own rows."""
    run = program(1, 2)
    assert_learnt_alike(train(run, begin(run)), together)


def test_one_after_another_nothing_but_the_number_of_a_seed_counts(
    monkeypatch: pytest.MonkeyPatch, beginning: SeedState, together: Learnt
) -> None:
    """To the last bit: a large model's seeds never share an operation."""
    monkeypatch.setattr(parallel, "SIDE_BY_SIDE_SIZE", 0)
    two = program(2, 1)
    begun = begin(two)
    assert_close(begun, beginning, CLOSE["float32"])
    learnt = train(two, begun)
    assert_identical(train(program(1, 1), begun), learnt)
    assert_learnt_alike(learnt, together)


@pytest.mark.parametrize("hidden_size, expected", [(11, True), (16, True), (17, False)])
def test_small_models_run_side_by_side(hidden_size: int, expected: bool) -> None:
    """Recurrent weights of 4 H**2 numbers, up to 1024 of them."""
    model = SequenceModel(Stack((LSTM(hidden_size),)), input_size=2, output_size=1)
    training = Training(Walk(), model, optax.sgd(0.1), BATCH)
    assert parallel.runs_side_by_side(training) == expected


class FakeDevice:
    platform, device_kind, process_index = "cpu", "cpu", 0

    def __init__(self, number: int) -> None:
        self.id = number


@pytest.mark.parametrize(
    "devices, seeds, batch_size, expected",
    [
        (1, 4, 8, (1, 1)),
        (2, 4, 8, (2, 1)),
        (2, 1, 8, (1, 2)),
        (2, 3, 8, (1, 2)),
        (2, 3, 9, (1, 1)),
        (8, 16, 1, (8, 1)),
        (8, 4, 8, (4, 2)),
        (8, 10, 8, (2, 4)),
        (6, 4, 9, (2, 3)),
        pytest.param(6, 4, 8, (4, 1)),
        pytest.param(8, 3, 6, (3, 2)),
        pytest.param(4, 3, 2, (3, 1)),
    ],
)
def test_a_mesh_uses_most_devices_and_seeds_come_first(
    devices: int, seeds: int, batch_size: int, expected: tuple[int, int]
) -> None:
    mesh = choose_mesh([FakeDevice(number) for number in range(devices)], seeds, batch_size)
    assert tuple(mesh.shape.items()) == (("seeds", expected[0]), ("data", expected[1]))
    numbers = [device.id for device in mesh.devices.flat]
    assert len(set(numbers)) == expected[0] * expected[1]
