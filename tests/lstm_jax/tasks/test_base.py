"""What every task promises: a batch is a function of (key, step, row), and of nothing else."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import TASKS, Adding, Batch, Copying, Task, Text

ALL = {
    "adding": Adding("hochreiter1997", 20),
    "copying": Copying("arjovsky2016", gap=2),
    "text": Text("the quick brown fox jumps over the lazy dog. " * 50, 5, 0.2, 1.0),
}
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


def test_rows_drawn_one_by_one_or_in_halves_are_those_of_the_whole(draw: Draw) -> None:
    whole = draw(1, 5, range(ROWS))
    assert_same(side_by_side([draw(1, 5, range(r, r + 1)) for r in range(ROWS)]), whole)
    assert_same(side_by_side([draw(1, 5, range(3)), draw(1, 5, range(3, ROWS))]), whole)


def test_a_batch_can_be_drawn_again(draw: Draw) -> None:
    first = draw(2, 3, range(ROWS))
    draw(3, 4, range(ROWS))
    assert_same(draw(2, 3, range(ROWS)), first)


@pytest.mark.parametrize("other", [(1, 6), (2, 5)], ids=["step", "seed"])
def test_another_step_or_seed_gives_other_sequences(draw: Draw, other: tuple[int, int]) -> None:
    one, two = draw(1, 5, range(ROWS)).inputs, draw(*other, range(ROWS)).inputs
    for row in range(ROWS):
        assert not np.array_equal(one[:, row], two[:, row])


def test_rows_differ(draw: Draw) -> None:
    inputs = draw(1, 5, range(ROWS)).inputs
    assert len({inputs[:, row].tobytes() for row in range(ROWS)}) == ROWS


def test_sample_is_the_first_step(task: Task, draw: Draw) -> None:
    sample = jax.jit(task.sample, static_argnums=1)(jax.random.key(4), ROWS)
    assert_same(jax.tree.map(np.asarray, sample), draw(4, 0, range(ROWS)))


def test_arrays_are_of_the_stated_kind_and_size(task: Task) -> None:
    batch = jax.eval_shape(functools.partial(task.sample, batch_size=3), jax.random.key(0))
    steps = batch.inputs.shape[0]
    assert batch.inputs.shape == ((steps, 3) if task.tokens else (steps, 3, task.input_size))
    assert jnp.issubdtype(batch.inputs.dtype, jnp.integer) == task.tokens
    assert batch.weights.shape == (steps, 3)
    outputs = jnp.zeros((steps, 3, task.output_size))
    scores = jax.eval_shape(task.score, outputs, batch)
    assert {(leaf.shape, leaf.dtype.kind) for leaf in scores[:2]} == {((3,), "f")}
    assert (scores.correct.shape, scores.correct.dtype) == ((3,), bool)


def test_no_dtype_is_promoted_unasked(task: Task) -> None:
    with jax.numpy_dtype_promotion("strict"):
        jax.eval_shape(functools.partial(task.sample, batch_size=3), jax.random.key(0))


@pytest.mark.usefixtures("keys_used_once")
def test_no_random_key_is_used_twice(task: Task) -> None:
    task.sample(jax.random.key(0), 2)


def test_tasks_are_values(task: Task) -> None:
    assert dataclasses.replace(task) == task
    assert hash(dataclasses.replace(task)) == hash(task)
