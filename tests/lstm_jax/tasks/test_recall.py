"""Associative recall and induction heads by slow oracles, and how sequences are spread."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import AssociativeRecall, Batch, InductionHeads, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

RECALL = AssociativeRecall(length=12, pairs=2, vocabulary=10)
INDUCTION = InductionHeads(length=6, vocabulary=4)
COUNT = 4000


@pytest.fixture(scope="module")
def recall() -> Batch:
    return jax.tree.map(np.asarray, draw(RECALL, COUNT, seed=1))


@pytest.fixture(scope="module")
def induction() -> Batch:
    return jax.tree.map(np.asarray, draw(INDUCTION, COUNT, seed=1))


def test_every_key_is_asked_once_and_answered_by_its_value(recall: Batch) -> None:
    assert recall.lengths is None
    for inputs, targets, weights in zip(
        recall.inputs.T.tolist(), recall.targets.T.tolist(), recall.weights.T.tolist(), strict=True
    ):
        value_of = dict(zip(inputs[0:4:2], inputs[1:4:2], strict=True))
        asked = [t for t, weight in enumerate(weights) if weight]
        assert sorted(inputs[t] for t in asked) == sorted(value_of)
        assert [targets[t] for t in asked] == [value_of[inputs[t]] for t in asked]
        assert all(t >= 4 and t % 2 == 0 for t in asked)
        assert sum(weights) == 2


def test_keys_values_and_all_else_are_evenly_drawn(recall: Batch) -> None:
    for places, tokens in (((0, 2), range(1, 5)), ((1, 3), range(5, 10))):
        pairs = collections.Counter(map(tuple, recall.inputs[list(places)].T.tolist()))
        assert_distributed(pairs, even(itertools.permutations(tokens, 2)))
    assert_distributed(collections.Counter(recall.inputs[5].tolist()), even(range(10)))


@pytest.mark.parametrize("power", [0.01, 1.0])
def test_the_places_of_queries_follow_a_power_law_without_replacement(power: float) -> None:
    task = AssociativeRecall(length=12, pairs=2, vocabulary=10, power=power)
    batch = jax.tree.map(np.asarray, draw(task, COUNT, seed=2))
    of_gap = [gap ** (power - 1) for gap in (1, 2, 3, 4)]
    odds = {
        (first, second): of_gap[first]
        / sum(of_gap)
        * of_gap[second]
        / (sum(of_gap) - of_gap[first])
        for first, second in itertools.permutations(range(4), 2)
    }
    found = collections.Counter(
        tuple(
            next(g for g in range(4) if weights[4 + 2 * g] and inputs[4 + 2 * g] == inputs[2 * key])
            for key in range(2)
        )
        for inputs, weights in zip(batch.inputs.T, batch.weights.T, strict=True)
    )
    assert_distributed(found, odds)


def test_what_followed_the_special_token_is_the_answer(induction: Batch) -> None:
    for inputs, targets in zip(induction.inputs.T.tolist(), induction.targets.T, strict=True):
        assert inputs.count(3) == 2
        assert inputs[-1] == 3
        assert targets[-1] == inputs[inputs.index(3) + 1] != 3
    assert (induction.weights == (np.arange(6) == 5)[:, None]).all()


def test_places_and_tokens_of_induction_are_evenly_drawn(induction: Batch) -> None:
    places = collections.Counter((induction.inputs == 3).argmax(axis=0).tolist())
    assert_distributed(places, even(range(4)))
    tokens = collections.Counter(induction.inputs[4][induction.inputs[4] != 3].tolist())
    assert_distributed(tokens, even(range(3)))


@pytest.mark.parametrize("task", [RECALL, INDUCTION], ids=["recall", "induction"])
def test_chance_is_that_of_any_answer(task: AssociativeRecall | InductionHeads) -> None:
    batch = draw(task, COUNT, seed=3)
    guess = jnp.broadcast_to(
        jax.nn.one_hot(task.output_size - 1, task.output_size),
        (*batch.inputs.shape, task.output_size),
    )
    assert task.chance == pytest.approx(float(grade(task, guess, batch).error.mean()), abs=0.03)


@pytest.mark.parametrize("task", [RECALL, INDUCTION], ids=["recall", "induction"])
def test_a_sequence_is_correct_if_all_answers_are(task: AssociativeRecall | InductionHeads) -> None:
    batch = draw(task, 2)
    right = 5.0 * jax.nn.one_hot(batch.targets, task.output_size)
    last = int(batch.weights[:, 1].nonzero()[0][-1])
    scores = grade(task, right.at[last, 1].multiply(-1.0).at[0].multiply(-1.0), batch)
    assert scores.correct.tolist() == [True, False]
    np.testing.assert_allclose(scores.error, [0, 1 / batch.weights[:, 1].sum()], rtol=1e-6)


def test_sizes_and_criteria() -> None:
    recall, induction = AssociativeRecall(), InductionHeads()
    assert (recall.length, recall.pairs, recall.input_size, recall.output_size) == (
        *(64, 4),
        *(8192, 8192),
    )
    assert recall.chance == 1 - 1 / 4096
    assert (induction.length, induction.input_size, induction.output_size) == (256, 16, 15)
    assert recall.criterion == Window(sequences=1000, max_wrong=10, max_error=0.01)
    assert induction.criterion == Window(sequences=1000, max_wrong=10)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"length": 15}, "length=15 must be at least 16, four times pairs=4"),
        ({"vocabulary": 9}, "vocabulary=9 must be at least 10, for pairs=4 different keys"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AssociativeRecall(**settings)
