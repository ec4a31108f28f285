"""Text: streams without a gap, a held-out part that no training step sees, an honest chance."""

import collections
import functools
import math
import random
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, HeldOut, Text
from lstm_jax.tasks.text import SEGMENT, WARM_UP


def words(count: int, alphabet: str = "abcdefgh") -> str:
    rng = random.Random(count)
    return " ".join("".join(rng.choices(alphabet, k=rng.randint(1, 9))) for _ in range(count))


LONG = Text(words(2000), window=16, held_out=0.4, target_bits=2.0)
"""Some 12,000 characters: the held-out part takes several segments, the last one not full."""
SHORT = Text("abcdefghijklmnopqrstuvwxy" + "ABCDE", window=4, held_out=1 / 6, target_bits=2.0)
"""25 characters to train on, all different: a token is a place in the text."""


def read(task: Text, tokens: Iterable[int]) -> str:
    return "".join(task.alphabet[token] for token in tokens)


@functools.cache
def compiled(task: Text) -> Callable[..., Batch]:
    return jax.jit(task.batch)


def batch_at(task: Text, seed: int, step: int, rows: int) -> Batch:
    batch = compiled(task)(jax.random.key(seed), jnp.int32(step), jnp.arange(rows))
    return jax.tree.map(np.asarray, batch)


def test_the_target_is_the_next_character() -> None:
    batch = batch_at(LONG, 0, 3, 8)
    assert (batch.targets[:-1] == batch.inputs[1:]).all()
    assert (batch.weights == 1).all()
    assert batch.lengths is None
    for row in range(8):
        stretch = read(LONG, [*batch.inputs[:, row], batch.targets[-1, row]])
        assert stretch in LONG.corpus[: LONG.cut]


def test_a_row_continues_that_of_the_step_before() -> None:
    for step in range(4):
        now, after = batch_at(LONG, 0, step, 8), batch_at(LONG, 0, step + 1, 8)
        assert (now.targets[-1] == after.inputs[0]).all()
        for row in range(8):
            assert read(LONG, [*now.inputs[:, row], *after.inputs[:, row]]) in LONG.corpus


def test_streams_go_round_the_training_text_and_nothing_else() -> None:
    """Every character but the last is read equally often, and its own successor asked for."""
    assert SHORT.cut == 25
    steps = [batch_at(SHORT, 1, step, 3) for step in range(24)]
    for row in range(3):
        inputs = "".join(read(SHORT, batch.inputs[:, row]) for batch in steps)
        targets = "".join(read(SHORT, batch.targets[:, row]) for batch in steps)
        train = SHORT.corpus[:25]
        assert collections.Counter(inputs) == dict.fromkeys(train[:-1], 4)
        assert inputs in train[:-1] * 6
        assert all(targets[i] == train[train.index(c) + 1] for i, c in enumerate(inputs))


def test_training_never_touches_the_held_out_part() -> None:
    batches = [batch_at(SHORT, seed, step, 3) for seed in range(4) for step in range(12)]
    seen = {int(token) for batch in batches for token in np.ravel([batch.inputs, batch.targets])}
    assert {SHORT.alphabet[token] for token in seen} == set(SHORT.corpus[:25])


def test_rows_start_far_apart_and_seeds_elsewhere() -> None:
    places = [
        [SHORT.corpus.index(SHORT.alphabet[c]) for c in batch_at(SHORT, seed, 0, 3).inputs[0]]
        for seed in range(8)
    ]
    for starts in places:
        gaps = np.diff(sorted(starts), append=min(starts) + 24)
        assert gaps.min() >= 5  # of 24 characters among 3 rows
    assert len({starts[0] for starts in places}) > 3


def held_out_batches(task: Text) -> list[Batch]:
    rows = jnp.arange(task.test_size + 2)  # evaluation may ask for rows beyond the end
    batch = jax.jit(task.test_batch)(jax.random.key(0), jnp.int32(0), rows)
    return [
        Batch(*(np.asarray(part)[:, row] for part in batch[:3]), None) for row in range(len(rows))
    ]


def test_every_held_out_character_is_asked_for_once() -> None:
    asked = ""
    for segment in held_out_batches(LONG):
        assert set(segment.weights.tolist()) <= {0, 1}
        asked += read(LONG, segment.targets[segment.weights > 0])
    assert LONG.test_size > 3
    assert len(asked) % SEGMENT > 0
    assert asked == LONG.corpus[LONG.cut :]


def test_held_out_characters_are_predicted_from_those_before() -> None:
    for row, segment in enumerate(held_out_batches(LONG)[: LONG.test_size]):
        asked = np.flatnonzero(segment.weights)
        assert asked[0] == WARM_UP
        first = LONG.cut + row * SEGMENT
        before = read(LONG, segment.inputs[: asked[-1] + 1])
        assert before == LONG.corpus[first - WARM_UP - 1 : first + len(asked) - 1]


def test_the_warm_up_of_a_short_text_holds_nothing_held_out() -> None:
    warm_up = held_out_batches(SHORT)[0].inputs[:WARM_UP]
    assert set(read(SHORT, warm_up)) <= set(SHORT.corpus[: SHORT.cut])


def test_chance_is_the_cross_entropy_of_the_frequencies() -> None:
    """Every character counts once more than it was seen, so that none costs infinitely much."""
    for task in (LONG, SHORT):
        train, test = task.corpus[: task.cut], task.corpus[task.cut :]
        counts = collections.Counter(train + "".join(set(task.corpus)))
        total = sum(counts.values())
        bits = -sum(math.log2(counts[c] / total) for c in test) / len(test)
        assert task.chance == pytest.approx(bits, rel=1e-9)


def test_scores_are_bits_for_each_character() -> None:
    batch = LONG.sample(jax.random.key(0), 2)
    uniform = LONG.score(jnp.zeros((*batch.inputs.shape, LONG.output_size)), batch)
    np.testing.assert_allclose(uniform.error, math.log2(LONG.output_size), rtol=1e-6)
    np.testing.assert_allclose(uniform.loss, math.log(LONG.output_size), rtol=1e-6)
    perfect = LONG.score(50 * jax.nn.one_hot(batch.targets, LONG.output_size), batch)
    assert perfect.correct.all()
    assert not uniform.correct.any()


def test_tokens_are_places_in_the_alphabet() -> None:
    task = Text("naïve – 数学\n" * 4, window=2, held_out=0.5, target_bits=1.0)
    assert task.alphabet == "".join(sorted(set("naïve – 数学\n")))
    assert task.input_size == task.output_size == len(task.alphabet)
    assert task.decode(jnp.asarray(task.encode("vïn数\n"))) == "vïn数\n"
    assert task.decode(jnp.asarray(task.codes)) == task.corpus


def test_an_unknown_character_is_named() -> None:
    with pytest.raises(ValueError, match=r"'z' is not a character of the corpus"):
        LONG.encode("abz")


@pytest.mark.parametrize(
    "length, held_out, complaint",
    [
        (8, 0.5, "the training part of the text has 4 characters; a window of 4 needs at least 5"),
        (10, 0.4, "the held-out part of the text has 4 characters; a window of 4 needs at least 5"),
        (0, 0.5, "the training part of the text has 0 characters"),
    ],
)
def test_a_text_shorter_than_a_window_is_refused(
    length: int, held_out: float, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Text("abcdefghij"[:length], window=4, held_out=held_out, target_bits=1.0)


def test_the_shortest_text_that_serves() -> None:
    task = Text("abcdefghij", window=4, held_out=0.5, target_bits=1.0)
    assert read(task, batch_at(task, 0, 0, 1).inputs[:, 0]) in "abcd" * 2


def test_solved_by_the_held_out_part() -> None:
    assert LONG.criterion == HeldOut(max_error=2.0)
    assert (LONG.tokens, LONG.streams, LONG.lag) == (True, True, 16)
    assert LONG.corpus not in repr(LONG)
