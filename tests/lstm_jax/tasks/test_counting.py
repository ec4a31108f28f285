"""Counting: what may come next, from the languages as sets of strings."""

import collections
import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, Counting, HeldOut
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade, held_out

LONGEST = 4
STRINGS = {
    "anbn": lambda n, m: "a" * n + "b" * n,
    "anbmBmAn": lambda n, m: "a" * n + "b" * m + "B" * m + "A" * n,
    "anbncn": lambda n, m: "a" * n + "b" * n + "c" * n,
}


def language(name: str, longest: int) -> set[str]:
    """All strings with counts up to `longest`, and the empty one."""
    counts = itertools.product(range(1, longest + 1), repeat=2)
    return {"", *(STRINGS[name](n, m) for n, m in counts)}


def legal_next(prefix: str, strings: set[str]) -> set[str]:
    found = {s[len(prefix)] for s in strings if s.startswith(prefix) and len(s) > len(prefix)}
    return found | {"T"} if prefix in strings else found


@pytest.fixture(scope="module", params=STRINGS)
def drawn(request: pytest.FixtureRequest) -> tuple[Counting, Batch]:
    task = Counting(request.param, longest=LONGEST)
    batch = draw(task, 4000, seed=2)
    return task, Batch(*map(np.asarray, batch))


def read(task: Counting, batch: Batch, n: int) -> str:
    start, *letters = (task.symbols[s] for s in batch.inputs[: batch.lengths[n], n])
    assert start == "S"
    return "".join(letters)


def test_targets_are_all_that_may_come(drawn: tuple[Counting, Batch]) -> None:
    task, batch = drawn
    strings = language(task.language, LONGEST + 1)  # one more, so that any string may go on
    for n in range(500):
        string = read(task, batch, n)
        assert string in strings
        assert batch.weights[:, n].tolist() == [t <= len(string) for t in range(task.lag)]
        assert not batch.inputs[len(string) + 1 :, n].any()
        for t in range(len(string) + 1):
            legal = {task.answers[s] for s in np.flatnonzero(batch.targets[t, n])}
            assert legal == legal_next(string[:t], strings), string[:t]
    assert set(np.unique(batch.targets)) == {0, 1}


def test_training_strings_are_drawn_evenly(drawn: tuple[Counting, Batch]) -> None:
    task, batch = drawn
    strings = collections.Counter(read(task, batch, n) for n in range(4000))
    assert_distributed(strings, even(language(task.language, LONGEST) - {""}))


def test_test_strings_are_all_of_a_range(drawn: tuple[Counting, Batch]) -> None:
    task = dataclasses.replace(drawn[0], test_shortest=3, test_longest=6)
    batch = held_out(task)
    strings = [read(task, batch, n) for n in range(task.test_size)]
    counts = itertools.product(range(3, 7), repeat=2)
    assert sorted(strings) == sorted({STRINGS[task.language](n, m) for n, m in counts})
    larger = language(task.language, 7)
    for n, string in enumerate(strings):
        last = {task.answers[s] for s in np.flatnonzero(batch.targets[len(string), n])}
        assert last == {"T"} == legal_next(string, larger) - {"a"}


def test_chance_is_that_of_the_best_answer_to_each_symbol(drawn: tuple[Counting, Batch]) -> None:
    task, batch = drawn
    answers: dict[int, collections.Counter] = collections.defaultdict(collections.Counter)
    for t, n in zip(*np.nonzero(batch.weights), strict=True):
        legal = tuple(batch.targets[t, n].tolist())
        answers[int(batch.inputs[t, n])][legal] += 1 / float(batch.lengths[n])
    best = sum(max(counter.values()) for counter in answers.values())
    assert task.chance == pytest.approx(1 - best / 4000, abs=0.01)


def test_a_string_is_accepted_if_every_output_is_on_its_side() -> None:
    task = Counting("anbncn", longest=3)
    batch = draw(task, 3)
    sides = 2 * batch.targets - 1
    outputs = 0.01 * sides
    outputs = outputs.at[1, 1].multiply(-1.0).at[2, 2, 0].set(0.0)
    outputs = jnp.where(batch.weights[..., None] > 0, outputs, -outputs)
    scores = grade(task, outputs, batch)
    assert scores.correct.tolist() == [True, False, False]
    np.testing.assert_allclose(scores.error, [0, *(1 / batch.lengths[1:])], rtol=1e-6)


def test_sizes_and_criterion() -> None:
    task = Counting("anbmBmAn", test_longest=5)
    assert (task.input_size, task.output_size, task.lag, task.test_size) == (5, 5, 41, 25)
    assert (task.symbols, task.answers) == ("SabBA", "abBAT")
    assert task.criterion == HeldOut(max_error=0.0)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="test_shortest=11 must be at most test_longest=10"):
        Counting("anbn", test_shortest=11)
