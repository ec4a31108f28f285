"""Copying: the layout of every sequence, symbol by symbol, and its scores."""

import collections
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, Copying, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

SEQUENCES = 2_000
TASK = Copying("arjovsky2016", gap=7)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return jax.jit(lambda key: TASK.sample(key, SEQUENCES))(jax.random.key(3))


def test_the_layout_is_that_of_the_paper(batch: Batch) -> None:
    for inputs, targets in zip(batch.inputs.T.tolist(), batch.targets.T.tolist(), strict=True):
        symbols = inputs[:10]
        assert set(symbols) <= set(range(1, 9))
        assert inputs == symbols + [0] * (TASK.gap - 1) + [9] + [0] * 10
        assert targets == [0] * (TASK.gap + 10) + symbols


def test_the_shortest_gap_has_no_blank() -> None:
    inputs = Copying("arjovsky2016", gap=1).sample(jax.random.key(0), 1).inputs[:, 0].tolist()
    assert inputs[10:] == [9] + [0] * 10


def test_every_step_counts_and_all_sequences_are_as_long(batch: Batch) -> None:
    assert batch.lengths is None
    assert batch.weights.shape == (TASK.gap + 20, SEQUENCES)
    assert (batch.weights == 1).all()


def test_symbols_are_uniform_at_every_place(batch: Batch) -> None:
    for place in range(10):
        counts = collections.Counter(batch.inputs[place].tolist())
        expected = SEQUENCES / 8
        statistic = sum((counts[symbol] - expected) ** 2 / expected for symbol in range(1, 9))
        assert jax.scipy.stats.chi2.sf(statistic, 7.0) > 1e-4


def test_neighbouring_symbols_are_drawn_apart(batch: Batch) -> None:
    pairs = collections.Counter(
        zip(batch.inputs[0].tolist(), batch.inputs[1].tolist(), strict=True)
    )
    expected = SEQUENCES / 64
    statistic = sum((n - expected) ** 2 / expected for n in pairs.values())
    statistic += (64 - len(pairs)) * expected
    assert jax.scipy.stats.chi2.sf(statistic, 63.0) > 1e-4


def test_chance_is_what_guessing_the_symbols_scores(batch: Batch) -> None:
    """Without memory: certain of the blanks, and one of eight symbols as good as any other."""
    guess = np.zeros((TASK.max_length, SEQUENCES, 9), np.float32)
    guess[: TASK.gap + 10, :, 0] = 50.0
    guess[TASK.gap + 10 :, :, 1:] = 50.0
    guess[TASK.gap + 10 :, :, 1] += 1e-3  # the argmax is one symbol, not a tie
    scores = TASK.score(jnp.asarray(guess), batch)
    assert scores.loss.mean() == pytest.approx(TASK.chance_loss, rel=1e-3)
    assert TASK.chance_loss == pytest.approx(10 * np.log(8) / (TASK.gap + 20))
    deviation = float(scores.error.std()) / SEQUENCES**0.5
    assert scores.error.mean() == pytest.approx(TASK.chance, abs=4 * deviation)


def test_a_sequence_is_correct_if_all_ten_symbols_are(batch: Batch) -> None:
    some = Batch(*(part if part is None else part[:, :4] for part in batch))
    logits = jax.nn.one_hot(some.targets, 9) * 20.0
    wrong = jax.nn.one_hot((some.targets + 1) % 9, 9) * 20.0
    time = jnp.arange(TASK.max_length)[:, None, None]
    at = jnp.array([TASK.max_length, TASK.max_length - 1, TASK.max_length - 10, 0])[:, None]
    scores = TASK.score(jnp.where(time == at, wrong, logits), some)  # nowhere, last, first, blank
    assert scores.correct.tolist() == [True, False, False, True]
    np.testing.assert_allclose(scores.error, [0.0, 0.1, 0.1, 0.0], rtol=1e-6)
    assert scores.loss[3] >= 20 / TASK.max_length  # a blank missed costs, though it is no error


def test_sizes_and_criterion() -> None:
    assert (TASK.input_size, TASK.output_size) == (10, 9)
    assert TASK.tokens
    assert (TASK.max_length, TASK.lag) == (27, 17)
    assert TASK.criterion == Window(sequences=1000, max_wrong=10, max_error=0.01)


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"Copying.gap must be at least 1, got 0"):
        Copying("arjovsky2016", gap=0)


def test_variable_copying_draws_the_gap() -> None:
    task = Copying("tallec2018", gap=6)
    batch = jax.tree.map(np.asarray, draw(task, SEQUENCES, seed=5))
    for n in range(500):
        length = int(batch.lengths[n])
        inputs, targets = batch.inputs[:, n].tolist(), batch.targets[:, n].tolist()
        symbols, padding = inputs[:10], [0] * (task.max_length - length)
        assert set(symbols) <= set(range(1, 9))
        assert inputs == symbols + [0] * (length - 21) + [9] + [0] * 10 + padding
        assert targets == [0] * (length - 10) + symbols + padding
        assert batch.weights[:, n].tolist() == [1] * length + padding
    assert_distributed(collections.Counter(batch.lengths.tolist()), even(range(21, 27)))
    guess = np.where(batch.targets[..., None] > 0, np.arange(9) > 0, np.arange(9) == 0) * 50.0
    scores = grade(task, jnp.asarray(guess, jnp.float32), batch)
    assert scores.loss.mean() == pytest.approx(task.chance_loss, rel=0.01)
    perfect = 20.0 * jax.nn.one_hot(batch.targets, 9)
    wrong = perfect.at[batch.lengths[0] - 1, 0].set(0.0)  # the last symbol of the first
    scores = grade(task, wrong.at[0, 1].set(-perfect[0, 1]), batch)
    assert scores.correct.tolist() == [False] + [True] * (SEQUENCES - 1)
    assert scores.error[0] == pytest.approx(0.1)


def test_other_numbers_of_symbols_keep_the_layout() -> None:
    task = Copying("arjovsky2016", gap=4, copied=2, alphabet=5)
    batch = jax.tree.map(np.asarray, draw(task, SEQUENCES, seed=2))
    for inputs, targets in zip(batch.inputs.T.tolist(), batch.targets.T.tolist(), strict=True):
        assert inputs[2:] == [0] * 3 + [4] + [0] * 2
        assert targets == [0] * 6 + inputs[:2]
    pairs = collections.Counter(zip(*batch.inputs[:2].tolist(), strict=True))
    assert_distributed(pairs, even((a, b) for a in (1, 2, 3) for b in (1, 2, 3)))
    assert (task.symbols, task.answers) == (["_", "1", "2", "3", "?"], ["_", "1", "2", "3"])
    assert (task.max_length, task.lag, task.chance) == (8, 6, pytest.approx(2 / 3))
    assert task.chance_loss == pytest.approx(2 * np.log(3) / 8)
    some = jnp.asarray(20.0 * jax.nn.one_hot(batch.targets, 4))
    scores = grade(task, some.at[-1, 0].set(0.0), Batch(*batch))
    assert scores.error[:2].tolist() == [0.5, 0.0]


@pytest.mark.parametrize("variant", ["arjovsky2016", "tallec2018"])
def test_answers_can_weigh_more_than_blanks(variant: Literal["arjovsky2016", "tallec2018"]) -> None:
    """In the loss alone, and in what it is at chance."""
    plain, task = (Copying(variant, gap=6, answer_weight=weight) for weight in (1.0, 5.0))
    batch = draw(task, SEQUENCES, seed=4)
    ends = batch.lengths if batch.lengths is not None else np.full(SEQUENCES, task.max_length)
    before = ends - np.arange(task.max_length)[:, None]
    np.testing.assert_array_equal(
        batch.weights, np.where(before <= 0, 0.0, np.where(before <= 10, 5.0, 1.0))
    )
    guess = np.where(batch.targets[..., None] > 0, np.arange(9) > 0, np.arange(9) == 0) * 50.0
    outputs = jnp.asarray(guess, jnp.float32)
    scores, unweighted = (grade(each, outputs, batch) for each in (task, plain))
    assert scores.loss.mean() == pytest.approx(task.chance_loss, rel=0.01)
    assert (scores.error == unweighted.error).all()
    assert (scores.correct == unweighted.correct).all()
