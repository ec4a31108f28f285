"""What every task promises: a batch is a function of (key, step, row), and of nothing else."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import (
    TASKS,
    Adding,
    AssociativeRecall,
    Batch,
    ContinualReber,
    ContinualTemporalOrder,
    Copying,
    Counting,
    Distractors,
    FlipFlop,
    FormalLanguage,
    Images,
    InductionHeads,
    LongLag,
    Multiplication,
    PeriodicFunction,
    Reber,
    SelectiveCopying,
    SpikeDelays,
    Stories,
    Task,
    TemporalOrder,
    Text,
    TimedSpikes,
    TwoSequences,
    Warping,
)
from tests.lstm_jax.tasks.pictures import drawn

ALL: dict[str, Task] = {
    "adding": Adding("hochreiter1997", 20),
    "continual_reber": ContinualReber(window=40, test_length=50),
    "continual_temporal_order": ContinualTemporalOrder("6a", 40, test_sequences=3),
    "copying": Copying("arjovsky2016", gap=2),
    "counting": Counting("anbmBmAn", longest=50, test_longest=4),
    "digits": Images("permuted", images=drawn(200, 3, 4)),
    "distractors": Distractors(q=20, p=4),
    "long_lag": LongLag("2b", p=12),
    "multiplication": Multiplication(20),
    "periodic_function": PeriodicFunction("cosine", 4, 2),
    "reber": Reber(),
    "selective_copying": SelectiveCopying(length=9, copied=4),
    "spike_delays": SpikeDelays(shortest=3, spread=8),
    "temporal_order": TemporalOrder("6b", 40),
    "text": Text("the quick brown fox jumps over the lazy dog. " * 50, 5, 0.2, 1.0),
    "timed_spikes": TimedSpikes(shortest=3, spread=8),
    "two_sequences": TwoSequences("3b", 10, 1),
    "associative_recall": AssociativeRecall(16, 3, vocabulary=20),
    "flip_flop": FlipFlop(24, ignore=0.3, test_ignore=0.6),
    "formal_language": FormalLanguage(
        "binary_multiplication", longest=20, test_shortest=21, test_longest=24
    ),
    "induction_heads": InductionHeads(12),
    "stories": Stories("room", distance=3),
    "warping": Warping("warped", letters=5, longest=3),
}
NEVER_DIFFER = {"periodic_function"}
"""Tasks that have one sequence."""
ROWS = 6


Draw = Callable[..., Batch]


@pytest.fixture(scope="module", params=ALL, ids=str)
def task(request: pytest.FixtureRequest) -> Task:
    return ALL[request.param]


@pytest.fixture(scope="module")
def draw(task: Task) -> Draw:
    """`draw(seed, step, rows)`, compiled once for each number of rows."""
    compiled = jax.jit(task.batch)

    def draw(seed: int, step: int, rows: range) -> Batch:
        batch = compiled(jax.random.key(seed), jnp.int32(step), jnp.asarray(rows))
        return jax.tree.map(np.asarray, batch)

    return draw


def side_by_side(batches: list[Batch]) -> Batch:
    """One batch of the rows of several; `lengths` alone has no axis of time before that of rows."""
    return jax.tree.map(lambda *parts: np.concatenate(parts, min(1, parts[0].ndim - 1)), *batches)


def assert_same(one: Batch, other: Batch) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_every_task_is_tested_here() -> None:
    assert {name: type(task) for name, task in ALL.items()} == TASKS


@pytest.mark.few(6)
def test_rows_drawn_one_by_one_or_in_halves_are_those_of_the_whole(draw: Draw) -> None:
    whole = draw(1, 5, range(ROWS))
    assert_same(side_by_side([draw(1, 5, range(r, r + 1)) for r in range(ROWS)]), whole)
    assert_same(side_by_side([draw(1, 5, range(3)), draw(1, 5, range(3, ROWS))]), whole)


def test_a_batch_can_be_drawn_again(draw: Draw) -> None:
    first = draw(2, 3, range(ROWS))
    draw(3, 4, range(ROWS))
    assert_same(draw(2, 3, range(ROWS)), first)


@pytest.mark.parametrize("other", [(1, 6), (2, 5)], ids=["step", "seed"])
def test_another_step_or_seed_gives_other_sequences(
    task: Task, draw: Draw, other: tuple[int, int]
) -> None:
    if task in [ALL[name] for name in NEVER_DIFFER]:
        return
    one, two = draw(1, 5, range(ROWS)).inputs, draw(*other, range(ROWS)).inputs
    for row in range(ROWS):
        assert not np.array_equal(one[:, row], two[:, row])


def test_rows_differ(task: Task, draw: Draw) -> None:
    if task in [ALL[name] for name in NEVER_DIFFER]:
        return
    inputs = draw(1, 5, range(ROWS)).inputs
    assert len({inputs[:, row].tobytes() for row in range(ROWS)}) == ROWS


@pytest.mark.few(6)
def test_sample_is_the_first_step(task: Task, draw: Draw) -> None:
    sample = jax.jit(task.sample, static_argnums=1)(jax.random.key(4), ROWS)
    assert_same(jax.tree.map(np.asarray, sample), draw(4, 0, range(ROWS)))


def test_arrays_are_of_the_stated_kind_and_size(task: Task) -> None:
    batch = jax.eval_shape(functools.partial(task.sample, batch_size=3), jax.random.key(0))
    steps = batch.inputs.shape[0]
    assert batch.inputs.shape == ((steps, 3) if task.tokens else (steps, 3, task.input_size))
    assert jnp.issubdtype(batch.inputs.dtype, jnp.integer) == task.tokens
    assert batch.weights.shape == (steps, 3)
    assert (batch.lengths is None) or batch.lengths.shape == (3,)
    outputs = jnp.zeros((steps, 3, task.output_size))
    scores = jax.eval_shape(task.score, outputs, batch)
    assert {(leaf.shape, leaf.dtype.kind) for leaf in scores[:2]} == {((3,), "f")}
    assert (scores.correct.shape, scores.correct.dtype) == ((3,), bool)


def test_test_sequences_are_of_the_same_kind(task: Task) -> None:
    rows = jnp.arange(3)
    train = jax.eval_shape(task.batch, jax.random.key(0), jnp.int32(0), rows)
    test = jax.eval_shape(task.test_batch, jax.random.key(0), jnp.int32(0), rows)
    for one, other in zip(jax.tree.leaves(train), jax.tree.leaves(test), strict=True):
        assert one.dtype == other.dtype
        assert one.shape[-1] == other.shape[-1]
    assert task.test_size >= 1


def test_symbols_and_answers_stand_for_what_goes_in_and_comes_out(task: Task) -> None:
    if task.tokens:
        assert len(set(task.symbols)) == len(task.symbols) == task.input_size
    if task.answers is not None:
        assert len(set(task.answers)) == len(task.answers) == task.output_size


def test_chance_is_a_number_and_no_criterion_is_met_by_it(task: Task) -> None:
    assert 0 < task.chance < 10
    criterion = task.criterion
    told = (criterion.max_error, getattr(criterion, "max_wrong", None))
    assert told[0] < task.chance or told[1] is not None


def test_no_dtype_is_promoted_unasked(task: Task) -> None:
    with jax.numpy_dtype_promotion("strict"):
        jax.eval_shape(functools.partial(task.sample, batch_size=3), jax.random.key(0))


@pytest.mark.usefixtures("keys_used_once")
def test_no_random_key_is_used_twice(task: Task) -> None:
    jax.jit(task.sample, static_argnums=1)(jax.random.key(0), ROWS)


def test_tasks_are_values(task: Task) -> None:
    assert dataclasses.replace(task) == task
    assert hash(dataclasses.replace(task)) == hash(task)


def test_a_threshold_is_that_of_the_criterion_if_it_names_one() -> None:
    assert Adding("bai2018", 20).threshold == 0.01
    assert TemporalOrder("6a").threshold == 0.1
    assert LongLag("2b").threshold is None
