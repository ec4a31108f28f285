"""Formal languages as a task: the layout of a sequence, lengths, and what counts as solved."""

import collections
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, FormalLanguage, HeldOut
from lstm_jax.tasks.chomsky import CONTEXT_FREE, CONTEXT_SENSITIVE, LANGUAGES, REGULAR
from lstm_jax.training.solve import passes
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade, held_out

TASK = FormalLanguage("reverse_string", longest=6, test_shortest=7, test_longest=9)


def perfect(task: FormalLanguage, batch: Batch) -> jax.Array:
    return 5.0 * jax.nn.one_hot(batch.targets, task.output_size)


def test_a_string_is_read_and_then_its_answer_asked_for() -> None:
    batch = draw(TASK, 200)
    assert batch.inputs.shape == (12, 200)
    for row in range(200):
        ends = int(batch.lengths[row])
        size = ends // 2
        text = "".join(TASK.symbols[s] for s in batch.inputs[:, row])
        answer = "".join(TASK.answers[s] for s in batch.targets[:, row])
        string = text[:size]
        assert text == string + "?" * size + "0" * (12 - ends)
        assert answer == "0" * size + string[::-1] + "0" * (12 - ends)
        assert batch.weights[:, row].tolist() == [0] * size + [1] * size + [0] * (12 - ends)


def test_training_lengths_are_evenly_drawn() -> None:
    lengths = draw(TASK, 3000).lengths // 2
    assert_distributed(collections.Counter(lengths.tolist()), even(range(1, 7)))


def test_what_is_shorter_than_any_string_is_drawn_as_the_shortest() -> None:
    task = FormalLanguage("solve_equation", longest=4, test_shortest=7, test_longest=9)
    lengths = draw(task, 3000).lengths - 1
    assert_distributed(collections.Counter(lengths.tolist()), {3: 0.75, 4: 0.25})


def test_a_batch_may_be_of_one_length_which_changes_from_step_to_step() -> None:
    task = FormalLanguage("reverse_string", longest=6, one_length=True)
    of_steps = jax.jit(jax.vmap(task.batch, (None, 0, None)))
    batches = of_steps(jax.random.key(0), jnp.arange(2000), jnp.arange(3))
    batches = jax.tree.map(np.asarray, batches)
    assert (batches.lengths == batches.lengths[:, :1]).all()
    lengths = collections.Counter((batches.lengths[:, 0] // 2).tolist())
    assert_distributed(lengths, even(range(1, 7)))
    assert len({row.tobytes() for row in batches.inputs[0].T}) > 1


def test_every_test_length_comes_as_often_and_every_string_counts_the_same() -> None:
    batch = held_out(TASK, seed=1)
    assert TASK.test_size == 6
    assert (batch.lengths // 2).tolist() == [7, 8, 9] * 2
    assert batch.inputs.shape == (18, 6)
    np.testing.assert_allclose(batch.weights.sum(axis=0), 1.0, rtol=1e-6)
    assert len({row.tobytes() for row in batch.inputs.T}) == 6
    assert FormalLanguage("parity_check").test_size == 2 * 460


def test_the_paper_has_its_lengths_and_its_score() -> None:
    task = FormalLanguage("duplicate_string")
    assert (task.longest, task.test_shortest, task.test_longest) == (40, 41, 500)
    assert task.lag == 120
    assert task.criterion == HeldOut(max_error=0.1)
    assert dataclasses.replace(task, max_error=0.0).criterion == HeldOut(max_error=0.0)
    shape = jax.eval_shape(task.test_batch, jax.random.key(0), jnp.int32(0), jnp.arange(3))
    assert shape.inputs.shape == (1500, 3)
    assert [*map(len, (REGULAR, CONTEXT_FREE, CONTEXT_SENSITIVE))] == [4, 4, 7]
    assert len(LANGUAGES) == 15


def test_solved_is_a_mean_accuracy_of_90_percent_however_long_the_answers() -> None:
    """Eleven test strings: one may be answered all wrongly, and two may not."""
    task = FormalLanguage("reverse_string", test_shortest=1, test_longest=11, tests_per_length=1)
    batch = jax.tree.map(jnp.asarray, held_out(task, seed=1))
    weights = batch.weights.sum(axis=0)
    right = perfect(task, batch)
    scores = grade(task, right, batch)
    assert scores.correct.all()
    assert passes(task.criterion, scores, weights)
    assert (scores.error == 0).all()
    for wrong, solved in [((0,), True), ((10,), True), ((0, 1), False), ((10, 8), False)]:
        outputs = right.at[:, jnp.array(wrong)].multiply(-1.0)
        scores = grade(task, outputs, batch)
        assert scores.correct.tolist() == [row not in wrong for row in range(11)]
        assert passes(task.criterion, scores, weights) == solved


def test_errors_are_shares_of_the_answer() -> None:
    batch = jax.tree.map(jnp.asarray, held_out(TASK, seed=1))
    outputs = perfect(TASK, batch).at[0].multiply(-1.0)  # where nothing is asked
    outputs = outputs.at[7, 0].multiply(-1.0).at[8:10, 1].multiply(-1.0)
    scores = grade(TASK, outputs, batch)
    np.testing.assert_allclose(scores.error, [1 / 7, 2 / 8, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            {"language": "parity"},
            "FormalLanguage.language is 'parity'; did you mean 'parity_check'",
        ),
        ({"language": "solve_equation", "longest": 2}, "longest=2 must be at least 3, as solve_"),
        (
            {"language": "binary_addition", "test_shortest": 2},
            "test_shortest=2 must be from 3 to test_longest=500",
        ),
        (
            {"language": "parity_check", "test_longest": 40},
            "test_shortest=41 must be from 1 to test_longest=40",
        ),
    ],
)
@pytest.mark.usefixtures("bad_input")
def test_settings_that_cannot_be_are_told(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FormalLanguage(**settings)
