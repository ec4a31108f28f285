"""Selective copying: what is asked for is what stands among the noise, in its order."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, SelectiveCopying, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

TASK = SelectiveCopying(length=6, copied=3, alphabet=6)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return jax.tree.map(np.asarray, draw(TASK, 6000, seed=3))


def test_answers_are_the_symbols_in_their_order(batch: Batch) -> None:
    assert batch.lengths is None
    for inputs, targets in zip(batch.inputs.T[:1000], batch.targets.T[:1000], strict=True):
        names = [TASK.symbols[s] for s in inputs]
        assert names[6:] == ["?"] * 3
        assert [TASK.answers[s] for s in targets[6:]] == [s for s in names[:6] if s != "."]
    assert (batch.weights == (np.arange(9) >= 6)[:, None]).all()


def test_places_and_symbols_are_drawn_evenly(batch: Batch) -> None:
    places = collections.Counter(tuple(np.flatnonzero(row)) for row in batch.inputs[:6].T)
    assert_distributed(places, even(itertools.combinations(range(6), 3)))
    symbols = collections.Counter(map(tuple, batch.targets[6:].T.tolist()))
    assert_distributed(symbols, even(itertools.product(range(4), repeat=3)))


def test_a_sequence_is_correct_if_all_symbols_are(batch: Batch) -> None:
    few = Batch(*(None if part is None else jnp.asarray(part[:, :2]) for part in batch))
    right = jax.nn.one_hot(few.targets, 4) * 5.0
    scores = grade(TASK, right.at[7, 1].multiply(-1.0).at[0].multiply(-1.0), few)
    assert scores.correct.tolist() == [True, False]
    np.testing.assert_allclose(scores.error, [0, 1 / 3], rtol=1e-6)


def test_chance_is_that_of_any_symbol(batch: Batch) -> None:
    guess = jnp.broadcast_to(jax.nn.one_hot(2, 4), (9, 6000, 4))
    error = grade(TASK, guess, batch).error
    assert TASK.chance == pytest.approx(float(error.mean()), abs=4 * 0.45 / (3 * 6000) ** 0.5)


def test_sizes_and_criterion() -> None:
    task = SelectiveCopying()
    assert (task.input_size, task.output_size, task.lag) == (16, 14, 4111)
    assert task.criterion == Window(sequences=1000, max_wrong=10, max_error=0.01)
    with pytest.raises(ValueError, match="copied=7 must be at most length=6"):
        SelectiveCopying(length=6, copied=7)
