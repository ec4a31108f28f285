"""Warping by a slow reader, and how letters and their durations are spread."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Warping, Window
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

COUNT = 3000
CASES = [(variant, uniform) for variant in ("warped", "padded") for uniform in (False, True)]


def blocks(text: str, variant: str) -> list[str]:
    """The steps of each letter."""
    if variant == "warped":
        return ["".join(same) for _, same in itertools.groupby(text)]
    starts = [t for t, letter in enumerate(text) if letter != "."]
    return [text[a:b] for a, b in itertools.pairwise([*starts, len(text)])]


@pytest.mark.parametrize("variant, uniform", CASES)
def test_every_step_asks_for_the_letter_before(variant: str, uniform: bool) -> None:
    task = Warping(variant, letters=3, longest=3, uniform=uniform, alphabet=4)
    batch = jax.tree.map(np.asarray, draw(task, COUNT, seed=1))
    assert batch.inputs.shape == (9, COUNT)
    drawn, durations = collections.Counter(), collections.Counter()
    for row in range(COUNT):
        length = batch.lengths[row]
        text = "".join(task.symbols[s] for s in batch.inputs[:length, row])
        found = blocks(text, variant)
        letters = "".join(block[0] for block in found)
        drawn[letters] += 1
        durations[tuple(map(len, found))] += 1
        asked = "".join(
            letters[n - 1] * len(block) if n else " " * len(block) for n, block in enumerate(found)
        )
        answered = zip(batch.targets[:length, row], batch.weights[:length, row], strict=True)
        assert "".join(task.answers[t] if w else " " for t, w in answered) == asked
        assert not batch.weights[length:, row].any()
    texts = map("".join, itertools.product("abcd", repeat=3))
    assert_distributed(
        drawn, even(t for t in texts if variant == "padded" or (t[0] != t[1] != t[2]))
    )
    lengths = [(3, 3, 3)] if uniform else itertools.product((1, 2, 3), repeat=3)
    assert_distributed(durations, even(lengths))


@pytest.mark.parametrize("variant", ["warped", "padded"])
def test_chance_is_that_of_any_letter_that_may_come_before(variant: str) -> None:
    """Of one who sees the letter alone, and says the next one of the alphabet."""
    task = Warping(variant, letters=20, longest=2, alphabet=4)
    batch = draw(task, 500)
    guess = jax.nn.one_hot((batch.inputs + 1) % 4, 4)
    assert grade(task, guess, batch).error.mean() == pytest.approx(task.chance, abs=0.02)


def test_a_sequence_is_correct_if_all_steps_are() -> None:
    task = Warping("warped", letters=4, longest=3, uniform=True)
    batch = draw(task, 3)
    right = 5.0 * jax.nn.one_hot(batch.targets, 10)
    scores = grade(task, right.at[:3].multiply(-1.0).at[5, 1].multiply(-1.0), batch)
    assert scores.correct.tolist() == [True, False, True]
    np.testing.assert_allclose(scores.error, jnp.array([0, 1 / 9, 0]), rtol=1e-6)
    assert task.criterion == Window(sequences=1000, max_wrong=10)
    assert (task.lag, task.input_size, task.output_size) == (6, 11, 10)
