"""Temporal order: every sequence read letter by letter, its places and lengths, and the streams."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, ContinualTemporalOrder, HeldOut, TemporalOrder, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

SEQUENCES = 8000
RULES = {
    "6a": dict(zip(["XX", "XY", "YX", "YY"], "QRSU", strict=True)),
    "6b": {
        **{"XXX": "Q", "XXY": "R", "XYX": "S", "XYY": "U"},
        **{"YXX": "V", "YXY": "A", "YYX": "B", "YYY": "C"},
    },
}
PLACES = {
    "6a": [range(10, 21), range(50, 61)],
    "6b": [range(10, 21), range(33, 44), range(66, 77)],
}


@pytest.fixture(scope="module", params=["6a", "6b"])
def drawn(request: pytest.FixtureRequest) -> tuple[TemporalOrder, Batch]:
    task = TemporalOrder(request.param)
    batch = draw(task, SEQUENCES, seed=9)
    return task, Batch(*map(np.asarray, batch))


def read(task: TemporalOrder, batch: Batch, n: int) -> str:
    return "".join(task.symbols[s] for s in batch.inputs[: batch.lengths[n], n])


def test_the_class_is_the_order_of_x_and_y(drawn: tuple[TemporalOrder, Batch]) -> None:
    task, batch = drawn
    for n in range(2000):
        string = read(task, batch, n)
        assert (string[0], string[-1]) == ("E", "B")
        order = "".join(letter for letter in string if letter in "XY")
        assert set(string[1:-1]) <= set("abcdXY")
        assert task.answers[batch.targets[len(string) - 1, n]] == RULES[task.variant][order]
        assert np.flatnonzero(batch.weights[:, n]).tolist() == [len(string) - 1]
        assert not batch.inputs[len(string) :, n].any()


def test_places_classes_lengths_and_noise_have_the_stated_odds(
    drawn: tuple[TemporalOrder, Batch],
) -> None:
    task, batch = drawn
    strings = [read(task, batch, n) for n in range(SEQUENCES)]
    places = [[t for t, letter in enumerate(string) if letter in "XY"] for string in strings]
    for number, stated in enumerate(PLACES[task.variant]):
        assert_distributed(collections.Counter(at[number] for at in places), even(stated))
    pairs = collections.Counter((at[0], at[1]) for at in places)
    first, second, *_ = PLACES[task.variant]
    assert_distributed(pairs, even((a, b) for a in first for b in second))
    assert_distributed(collections.Counter(map(len, strings)), even(range(100, 111)))
    assert_distributed(
        collections.Counter(batch.targets[0].tolist()), even(range(len(task.answers)))
    )
    for step in (1, 25, 98):
        assert_distributed(collections.Counter(s[step] for s in strings), even("abcd"))


def test_other_lengths_stretch_all_places() -> None:
    task = TemporalOrder("6b", 1000)
    batch = draw(task, 300, seed=0)
    assert task.max_length == task.lag == batch.inputs.shape[0] == 1100
    places = np.argwhere(np.asarray(batch.inputs).T >= 6)[:, 1].reshape(300, 3)
    for at, low in zip(places.T, (100, 330, 660), strict=True):
        assert low <= at.min() < low + 10
        assert low + 90 < at.max() <= low + 100
    assert set(batch.lengths.tolist()) <= set(range(1000, 1101))


@pytest.mark.parametrize("variant", ["6a", "6b"])
def test_the_shortest_has_room_for_all(variant: str) -> None:
    task = TemporalOrder(variant, 10)
    batch = draw(task, 50)
    for n in range(50):
        string = read(task, Batch(*map(np.asarray, batch)), n)
        order = "".join(letter for letter in string if letter in "XY")
        assert RULES[variant][order] == task.answers[batch.targets[0, n]]


@pytest.mark.parametrize("loss", ["likelihood", "squares"])
def test_correct_means_all_outputs_within_three_tenths(loss: str) -> None:
    task = TemporalOrder("6a", 10, loss)
    batch = draw(task, 3)
    p = jnp.array([0.71, 0.69, 0.25])[:, None]
    target = jax.nn.one_hot(batch.targets, 4)
    if loss == "likelihood":
        outputs = jnp.log(jnp.where(target > 0, p, (1 - p) / 3))
    else:
        outputs = jnp.where(target > 0, 1.0, -1.0) * jnp.log(p / (1 - p))
    scores = grade(task, jnp.where(batch.weights[..., None] > 0, outputs, 9.0), batch)
    assert scores.correct.tolist() == [True, False, False]
    np.testing.assert_allclose(scores.error, [0.29, 0.31, 0.75], rtol=1e-4)
    assert task.chance == 0.75


def test_sizes_and_criterion() -> None:
    task = TemporalOrder("6b")
    assert (task.input_size, task.output_size, task.chance) == (8, 8, 0.875)
    assert task.criterion == Window(sequences=2000, max_wrong=0, max_error=0.1)


def test_a_continual_test_stream_is_sequences_without_padding_between() -> None:
    task = ContinualTemporalOrder("6a", 20, test_sequences=30)
    assert task.streams
    batch = jax.jit(task.test_batch)(jax.random.key(0), jnp.int32(0), jnp.arange(4))
    batch = Batch(*map(np.asarray, batch))
    assert (task.criterion, task.test_size) == (HeldOut(max_wrong=0), 10)
    lengths = []
    for n in range(4):
        stream = read(task, batch, n)
        sequences = [part + "B" for part in stream.split("B")]
        assert sequences.pop() == "B"
        assert len(sequences) == 30
        ends = np.cumsum([*map(len, sequences)]) - 1
        assert np.flatnonzero(batch.weights[:, n]).tolist() == ends.tolist()
        for sequence, end in zip(sequences, ends, strict=True):
            assert sequence[0] == "E"
            assert sequence.count("E") == 1
            order = "".join(letter for letter in sequence if letter in "XY")
            assert task.answers[batch.targets[end, n]] == RULES["6a"][order]
        lengths += map(len, sequences)
    assert set(lengths) == {20, 21, 22}
