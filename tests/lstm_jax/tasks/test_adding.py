"""Adding: every detail of the three protocols, held to an oracle that reads the inputs alone."""

import collections
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Adding, Batch, Window
from tests.lstm_jax.tasks.odds import assert_distributed

SEQUENCES = 20_000
ORACLE = 2_000
"""Sequences drawn of each variant, and those of them that the slow oracle reads."""

TASKS = [
    Adding("hochreiter1997", 20),
    Adding("hochreiter1997", 41),
    Adding("arjovsky2016", 21),
    Adding("bai2018", 20),
]


class Drawn(NamedTuple):
    task: Adding
    batch: Batch


@pytest.fixture(scope="module", params=TASKS, ids=lambda task: f"{task.variant}-{task.length}")
def drawn(request: pytest.FixtureRequest) -> Drawn:
    task = request.param
    batch = jax.jit(lambda key: task.sample(key, SEQUENCES))(jax.random.key(7))
    return Drawn(task, Batch(*map(np.asarray, batch)))


def marked_places(task: Adding, inputs: np.ndarray) -> tuple[int, ...]:
    """Where the two marks of a sequence are, read from its inputs; asserts what a marker may be."""
    values, markers = inputs.astype(np.float64).T
    places = [t for t, marker in enumerate(markers) if marker == 1]
    silent = [t for t, marker in enumerate(markers) if marker not in (0, 1)]
    if task.variant != "hochreiter1997":
        assert silent == []
    else:
        assert silent == [0, len(markers) - 1]
        assert markers[0] == markers[-1] == -1
        if len(places) == 1:
            assert values[0] == 0  # its mark is covered by the -1, and its value gives it away
            places = [0, *places]
        else:
            assert values[0] != 0
    assert len(places) == 2
    return tuple(places)


def expected_target(task: Adding, inputs: np.ndarray) -> float:
    total = sum(float(inputs[t, 0]) for t in marked_places(task, inputs))
    return 0.5 + total / 4 if task.variant == "hochreiter1997" else total


def expected_odds(task: Adding) -> dict[tuple[int, ...], float]:
    """The odds of every pair of places, by walking through every pair of draws."""
    whole, half = range(task.length), task.length // 2

    def seconds(first: int) -> list[int]:
        unmarked = [t for t in whole if t != first]
        return {
            "hochreiter1997": unmarked[: half - 1],
            "arjovsky2016": [*whole[half:]],
            "bai2018": unmarked,
        }[task.variant]

    firsts = {"hochreiter1997": whole[:10], "arjovsky2016": whole[:half], "bai2018": whole}
    odds: dict[tuple[int, ...], float] = collections.defaultdict(float)
    for first in firsts[task.variant]:
        for second in seconds(first):
            pair = tuple(sorted((first, second)))
            odds[pair] += 1 / len(firsts[task.variant]) / len(seconds(first))
    return odds


def test_targets_are_what_the_inputs_say(drawn: Drawn) -> None:
    task, batch = drawn
    for n in range(ORACLE):
        inputs = batch.inputs[: batch.lengths[n], n]
        target = batch.targets[batch.lengths[n] - 1, n, 0]
        assert target == pytest.approx(expected_target(task, inputs), abs=1e-6)


def test_only_the_last_step_counts_and_padding_is_zero(drawn: Drawn) -> None:
    _, batch = drawn
    for n in range(ORACLE):
        weights = batch.weights[:, n].tolist()
        assert weights.pop(int(batch.lengths[n]) - 1) == 1
        assert not any(weights)
        assert not batch.inputs[batch.lengths[n] :, n].any()


def test_marks_are_placed_with_the_stated_odds(drawn: Drawn) -> None:
    task, batch = drawn
    places = (
        marked_places(task, batch.inputs[: batch.lengths[n], n]) for n in range(SEQUENCES // 2)
    )
    assert_distributed(collections.Counter(places), expected_odds(task))


def test_lengths_are_uniform_up_to_a_tenth_more(drawn: Drawn) -> None:
    task, batch = drawn
    longest = task.length * 11 // 10 if task.variant == "hochreiter1997" else task.length
    assert batch.inputs.shape == (longest, SEQUENCES, 2)
    assert task.max_length == task.lag == longest
    lengths = range(task.length, longest + 1)
    odds = dict.fromkeys(lengths, 1 / len(lengths))
    assert_distributed(collections.Counter(batch.lengths.tolist()), odds)


def test_values_are_uniform(drawn: Drawn) -> None:
    task, batch = drawn
    low = -1 if task.variant == "hochreiter1997" else 0
    values = batch.inputs[1 : task.length, :, 0]
    assert values.min() >= low
    assert values.max() < 1
    bins = np.floor((values[:, :ORACLE] - low) / (1 - low) * 20).astype(int)
    counts = collections.Counter(bins.ravel().tolist())
    assert_distributed(counts, dict.fromkeys(range(20), 1 / 20))


def test_chance_is_the_error_of_the_best_constant(drawn: Drawn) -> None:
    task, batch = drawn
    targets = batch.targets[-1, :, 0].astype(np.float64)
    for stated, errors in (
        (task.chance, np.abs(targets - np.median(targets))),
        (task.chance_loss, np.square(targets - targets.mean())),
    ):
        deviation = errors.std() / len(errors) ** 0.5
        assert stated == pytest.approx(errors.mean(), abs=4 * deviation)


def test_correct_means_within_a_twenty_fifth_at_the_last_step() -> None:
    task = Adding("hochreiter1997", 20)
    targets, garbage = jax.random.normal(jax.random.key(0), (2, task.max_length, 4, 1))
    weights = jnp.zeros((task.max_length, 4)).at[19].set(1.0)
    off = jnp.array([0.0, 0.039, -0.039, 0.041])
    outputs = jnp.where(weights[..., None] > 0, targets + off[:, None], garbage)
    inputs = jnp.zeros((task.max_length, 4, 2))
    scores = task.score(outputs, Batch(inputs, targets, weights, jnp.full(4, 20)))
    assert scores.correct.tolist() == [True, True, True, False]
    np.testing.assert_allclose(scores.error, np.abs(off), atol=1e-6)
    np.testing.assert_allclose(scores.loss, np.square(off), atol=1e-6)


def test_solved_as_in_1997() -> None:
    assert Adding("bai2018", 20).criterion == Window(sequences=2000, max_wrong=0, max_error=0.01)


def test_sizes() -> None:
    task = Adding("arjovsky2016", 20)
    assert (task.input_size, task.output_size, task.tokens, task.streams) == (2, 1, False, False)
    assert task.test_size == 2560


@pytest.mark.parametrize(
    "variant, length, complaint",
    [
        ("hochreiter1997", 19, "Adding.length must be at least 20, got 19"),
        ("hochreiter", 20, "Adding.variant is 'hochreiter'; did you mean 'hochreiter1997'?"),
    ],
)
@pytest.mark.usefixtures("bad_input")
def test_bad_settings_are_named(variant: str, length: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Adding(variant, length)


def test_logistic_outputs_are_for_sums_of_at_most_one() -> None:
    assert Adding("hochreiter1997", 20, output="logistic").output == "logistic"
    with pytest.raises(ValueError, match=r"at most 1, but the sums of 'bai2018' are up to 2"):
        Adding("bai2018", 20, output="logistic")
