"""The flip-flop language by a slow oracle, and how its instructions are spread."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, FlipFlop, HeldOut
from lstm_jax.training.solve import passes
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

TASK = FlipFlop(length=20, ignore=0.5, test_ignore=0.9)
COUNT = 2000


@pytest.fixture(scope="module")
def batch() -> Batch:
    return jax.tree.map(np.asarray, draw(TASK, COUNT, seed=1))


def test_reads_give_the_bit_that_was_last_written(batch: Batch) -> None:
    assert batch.lengths is None
    for inputs, targets, weights in zip(
        batch.inputs.T, batch.targets.T, batch.weights.T, strict=True
    ):
        text = "".join(TASK.symbols[s] for s in inputs)
        written = ""
        assert text[0] == "w"
        assert text[-2] == "r"
        for t in range(0, 20, 2):
            if text[t] == "w":
                written = text[t + 1]
            assert (weights[t], weights[t + 1]) == (text[t] == "r", 0)
            if text[t] == "r":
                assert text[t + 1] == written == TASK.answers[targets[t]]


@pytest.mark.parametrize("part", ["training", "test"])
def test_instructions_have_their_odds(part: str) -> None:
    sample = TASK.batch if part == "training" else TASK.test_batch
    drawn = jax.jit(sample)(jax.random.key(2), jnp.int32(3), jnp.arange(COUNT))
    text = np.array([*TASK.symbols])[np.asarray(drawn.inputs)]
    ignore = TASK.ignore if part == "training" else TASK.test_ignore
    odds = {"i": ignore, "w": (1 - ignore) / 2, "r": (1 - ignore) / 2}
    assert_distributed(collections.Counter(text[2:18:2].ravel().tolist()), odds)
    free = text[1::2][text[::2] != "r"]
    assert_distributed(collections.Counter(free.tolist()), even("01"))


def test_chance_is_that_of_a_bit(batch: Batch) -> None:
    few = jax.tree.map(jnp.asarray, batch)
    guess = jnp.broadcast_to(jnp.array([1.0, 0.0]), (20, COUNT, 2))
    assert grade(TASK, guess, few).error.mean() == pytest.approx(TASK.chance, abs=0.04)


def test_solved_is_no_read_wrong() -> None:
    drawn = draw(TASK, 50)
    right = 5.0 * jax.nn.one_hot(drawn.targets, 2)
    weights = drawn.weights.sum(axis=0)
    unread = right.at[1::2].multiply(-1.0)
    assert TASK.criterion == HeldOut(max_error=0.0)
    assert passes(TASK.criterion, grade(TASK, unread, drawn), weights)
    assert not passes(TASK.criterion, grade(TASK, right.at[18, 7].multiply(-1.0), drawn), weights)


def test_settings() -> None:
    assert (FlipFlop().length, FlipFlop().ignore, FlipFlop().test_ignore) == (512, 0.8, 0.98)
    with pytest.raises(ValueError, match="length=7 must be even, as each instruction has its bit"):
        FlipFlop(length=7)
