"""The continual Reber stream: nothing but the grammar's strings, from window to window."""

import collections
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import ContinualReber, HeldOut
from lstm_jax.tasks.reber import SYMBOLS
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade
from tests.lstm_jax.tasks.test_reber import STRING, legal_next

SHORT = ContinualReber(window=5, windows=1000, test_length=3000)
"""A window in which walks from all states never meet: looking back takes many windows."""
ROWS, STEPS = 4, 200


def text(symbols: np.ndarray) -> str:
    return "".join(SYMBOLS[symbol] for symbol in symbols)


def strings(stream: str) -> list[str]:
    """The strings of a stream, cut where an E is followed by B."""
    return re.findall(r".*?E(?=B|$)", stream)


@pytest.fixture(scope="module")
def streams() -> tuple[np.ndarray, np.ndarray]:
    """(T, B) symbols and (T, B, 7) targets of many windows, side by side."""
    batch = jax.jit(lambda step: SHORT.batch(jax.random.key(2), step, jnp.arange(ROWS)))
    windows = [batch(jnp.int32(step)) for step in range(STEPS)]
    symbols = np.concatenate([np.asarray(window.inputs) for window in windows])
    return symbols, np.concatenate([np.asarray(window.targets) for window in windows])


@pytest.fixture(scope="module")
def tested() -> tuple[np.ndarray, np.ndarray]:
    batch = jax.jit(SHORT.test_batch)(jax.random.key(5), jnp.int32(0), jnp.arange(10))
    assert (batch.weights == 1).all()
    return np.asarray(batch.inputs), np.asarray(batch.targets)


@pytest.mark.parametrize("which", ["streams", "tested"])
def test_streams_are_strings_of_the_grammar_one_after_the_other(
    which: str, request: pytest.FixtureRequest
) -> None:
    symbols, targets = request.getfixturevalue(which)
    for row in range(symbols.shape[1]):
        *whole, _ = strings(text(symbols[:, row]) + "E")
        assert len(whole) > 30
        assert all(map(STRING.fullmatch, whole)), whole
        begun = ""
        for t, symbol in enumerate(symbols[:, row]):
            begun += SYMBOLS[symbol]
            legal = {SYMBOLS[s] for s in np.flatnonzero(targets[t, row])}
            assert legal == legal_next(begun)
            begun = "" if begun[-1] == "E" and legal == {"B"} else begun
    assert set(np.unique(targets)) == {0, 1}


def test_forks_are_even(tested: tuple[np.ndarray, np.ndarray]) -> None:
    symbols, _ = tested
    forks: dict[frozenset[str], collections.Counter] = collections.defaultdict(collections.Counter)
    for row in range(symbols.shape[1]):
        for string in strings(text(symbols[:, row]))[:-1]:
            for t in range(len(string) - 1):
                forks[legal_next(string[:t])][string[t]] += 1
    assert sorted(map(len, forks)) == [1, 1, 1, 1, 2, 2, 2, 2]
    for legal, taken in forks.items():
        assert_distributed(taken, even(legal))


def test_training_streams_have_the_lengths_of_test_streams(
    streams: tuple[np.ndarray, np.ndarray], tested: tuple[np.ndarray, np.ndarray]
) -> None:
    """Looking back favours no strings."""
    lengths = [
        [len(string) for row in symbols.T for string in strings(text(row))[:-1]]
        for symbols, _ in (streams, tested)
    ]
    (few, many), deviation = lengths, np.std(lengths[1])
    assert abs(np.mean(few) - np.mean(many)) < 4 * deviation * (1 / len(few) + 1 / len(many)) ** 0.5


def test_training_streams_begin_anew_each_row_at_a_step_of_its_own() -> None:
    task = ContinualReber(window=5, windows=3)
    batch = jax.jit(lambda step: task.batch(jax.random.key(2), step, jnp.arange(ROWS)))
    stream = [""] * ROWS
    for step in range(20):
        begins = np.asarray(task.begins(jnp.int32(step), jnp.arange(ROWS)))
        assert begins.tolist() == [(step + row) % 3 == 0 for row in range(ROWS)]
        symbols = np.asarray(batch(jnp.int32(step)).inputs)
        for row in range(ROWS):
            stream[row] = ("" if begins[row] else stream[row]) + text(symbols[:, row])
            assert legal_next(stream[row])


def test_a_long_window_is_a_stream_too() -> None:
    task = ContinualReber(window=300)
    batch = jax.jit(lambda step: task.batch(jax.random.key(2), step, jnp.arange(3)))
    parts = [np.asarray(batch(jnp.int32(step)).inputs) for step in range(3)]
    for row in range(3):
        *whole, _ = strings(text(np.concatenate(parts)[:, row]) + "E")
        assert all(map(STRING.fullmatch, whole))


def test_chance_is_that_of_the_best_answer_to_each_symbol(
    tested: tuple[np.ndarray, np.ndarray],
) -> None:
    symbols, targets = tested
    answers: dict[int, collections.Counter] = collections.defaultdict(collections.Counter)
    for symbol, legal in zip(symbols.ravel(), targets.reshape(-1, 7), strict=True):
        answers[int(symbol)][tuple(legal)] += 1
    best = sum(counter.most_common(1)[0][1] for counter in answers.values())
    assert SHORT.chance == pytest.approx(1 - best / symbols.size, abs=0.01)


def test_correct_means_within_49_hundredths() -> None:
    batch = draw(SHORT, 3)
    off = jnp.full(batch.targets.shape, 0.48).at[2, 1, 3].set(0.50)
    right = jnp.abs(batch.targets - off)
    scores = grade(SHORT, jnp.log(right / (1 - right)), batch)
    assert scores.correct.tolist() == [True, False, True]
    np.testing.assert_allclose(scores.error, [0, 0.2, 0], atol=1e-6)


def test_sizes_and_criterion() -> None:
    task = ContinualReber()
    assert (task.window, task.windows, task.lag) == (100, 10, 100)
    assert (task.test_length, task.test_size) == (100_000, 10)
    assert task.streams
    assert task.criterion == HeldOut(max_error=0.0)
