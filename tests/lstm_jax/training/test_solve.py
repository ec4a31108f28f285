"""When a task counts as solved: the record of a seed against a plain list of all its sequences."""

import functools
from collections.abc import Sequence

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from lstm_jax.tasks import HeldOut, Scores, Window
from lstm_jax.training.solve import SolveRecord, empty_record, is_solved, mark, observe, passes

STEPS = 24

CASES = [
    (1, Window(1, 0, 0.3)),
    (1, Window(3, 1, 0.4)),
    (2, Window(4, 0, 0.6)),
    (2, Window(5, 2, 0.4)),  # the batch does not divide the window
    (4, Window(1, 1, 0.3)),
    (4, Window(8, 3, 0.5001)),
    (2, Window(4, 1)),
]
"""Batch size and criterion. No mean of eighths is within rounding of a limit here."""


@functools.partial(jax.jit, static_argnums=(0, 1))
def play(batch_size: int, criterion: Window, errors: jax.Array, correct: jax.Array) -> jax.Array:
    """What `solved_at` is after each step."""

    def step(record: SolveRecord, scored: tuple) -> tuple[SolveRecord, jax.Array]:
        number, error, right = scored
        record = observe(criterion, record, number, Scores(loss=-error, error=error, correct=right))
        return record, record.solved_at

    numbers = jnp.arange(len(errors))
    return jax.lax.scan(step, empty_record(criterion, batch_size), (numbers, errors, correct))[1]


def oracle(
    batch_size: int, criterion: Window, errors: np.ndarray, correct: np.ndarray
) -> list[int]:
    """The same from a list of every sequence seen, as slowly as can be."""
    window = criterion.sequences
    while window % batch_size:
        window += 1
    seen: list[tuple[float, bool]] = []
    solved_at, history = -1, []
    for error_row, correct_row in zip(errors.tolist(), correct.tolist(), strict=True):
        seen += zip(error_row, correct_row, strict=True)
        latest = seen[-window:]
        if solved_at < 0 and len(latest) == window:
            wrong = sum(not right for _, right in latest)
            mean = sum(error for error, _ in latest) / window
            if wrong <= criterion.max_wrong and mean < criterion.max_error:
                solved_at = len(seen)
        history.append(solved_at)
    return history


@hypothesis.given(
    case=st.sampled_from(CASES),
    seed=st.integers(0, 2**32 - 1),
    skill=st.sampled_from([0.3, 0.8, 0.97]),
)
def test_the_record_is_solved_when_the_list_is(
    case: tuple[int, Window], seed: int, skill: float
) -> None:
    rng = np.random.default_rng(seed)
    shape = (STEPS, case[0])
    correct = rng.uniform(size=shape) < skill
    errors = (rng.integers(0, 9, shape) / 8).astype(np.float32)
    actual = play(*case, jnp.asarray(errors), jnp.asarray(correct))
    assert actual.tolist() == oracle(*case, errors, correct)


def solved_at(
    batch_size: int,
    window: int,
    errors: Sequence[float],
    wrong: Sequence[int] = (),
    allowed: int = 0,
) -> list[int]:
    """`solved_at` after each step; every sequence of a step has its error, and 0.5 is the limit."""
    table = np.full((STEPS, batch_size), 9.0, np.float32)
    table[: len(errors)] = np.array(errors, np.float32)[:, None]
    correct = np.ones(table.shape, bool)
    correct.flat[list(wrong)] = False
    criterion = Window(window, allowed, 0.5)
    found = play(batch_size, criterion, jnp.asarray(table), jnp.asarray(correct))
    return found.tolist()[: len(errors)]


def test_a_window_takes_exactly_its_sequences() -> None:
    assert solved_at(1, 3, [0, 0, 0]) == [-1, -1, 3]
    assert solved_at(1, 3, [9, 0, 0, 0]) == [-1, -1, -1, 4]
    assert solved_at(2, 4, [9, 0, 0]) == [-1, -1, 6]
    assert solved_at(2, 5, [9, 0, 0, 0]) == [-1, -1, -1, 8]  # 5 is rounded up to 3 steps


def test_a_wrong_sequence_counts_until_it_leaves_the_window() -> None:
    assert solved_at(2, 4, [0, 0, 0, 0], wrong=[3]) == [-1, -1, -1, 8]
    assert solved_at(2, 4, [0, 0, 0, 0], wrong=[3], allowed=1) == [-1, 4, 4, 4]


def test_the_mean_error_is_below_the_limit_not_at_it() -> None:
    assert solved_at(2, 4, [0.75, 0.25, 0.75, 0.25]) == [-1] * 4
    assert solved_at(2, 4, [0.75, 0.125]) == [-1, 4]


def test_the_first_time_is_kept() -> None:
    assert solved_at(1, 1, [9, 0, 9, 0]) == [-1, 2, 2, 2]


def test_an_error_that_is_not_finite_never_solves_and_is_forgotten() -> None:
    assert solved_at(1, 3, [0, 0, np.nan, 0, 0, 0]) == [-1] * 5 + [6]
    assert solved_at(1, 3, [0, 0, np.inf, 0, 0, 0]) == [-1] * 5 + [6]


def test_training_scores_do_not_meet_a_criterion_on_held_out_data() -> None:
    criterion = HeldOut(max_error=1.0)
    record = empty_record(criterion, batch_size=2)
    perfect = Scores(jnp.zeros(2), jnp.zeros(2), jnp.ones(2, bool))
    after = observe(criterion, record, jnp.int32(0), perfect)
    assert jax.tree.map(np.array_equal, after, record) == SolveRecord(True, True, True)
    assert not is_solved(after)


@pytest.mark.parametrize("before, met, after", [(-1, True, 8), (-1, False, -1), (4, True, 4)])
def test_marking_notes_the_first_time_only(before: int, met: bool, after: int) -> None:
    record = SolveRecord(jnp.zeros(0, jnp.int32), jnp.zeros(0), jnp.int32(before))
    marked = mark(record, jnp.bool_(met), jnp.int32(8))
    assert marked.solved_at == after
    assert is_solved(marked) == (after >= 0)


ERRORS = [0.25, 0.0, 0.5, 0.75, 1.0]
RIGHT = [True, True, False, True, False]
WEIGHTS = [1.0, 2.0, 1.0, 4.0, 0.0]
"""The last one fills a batch and is no test sequence."""


@pytest.mark.parametrize(
    "criterion, met",
    [
        (HeldOut(max_error=3.75 / 8), True),
        (HeldOut(max_error=3.74 / 8), False),
        (HeldOut(max_wrong=1), True),
        (HeldOut(max_wrong=0), False),
        (HeldOut(max_wrong=0, sequences=2), True),
        (HeldOut(max_error=0.08, sequences=2), False),
        (HeldOut(max_error=0.0834, sequences=2), True),
        (HeldOut(max_error=0.08, max_wrong=0, sequences=2), False),
        (HeldOut(max_error=0.5, max_wrong=0, sequences=3), False),
    ],
)
def test_held_out_data_pass_by_their_error_and_by_the_wrong_ones(
    criterion: HeldOut, met: bool
) -> None:
    scores = Scores(jnp.zeros(5), jnp.array(ERRORS), jnp.array(RIGHT))
    assert passes(criterion, scores, jnp.array(WEIGHTS)) == met


@pytest.mark.parametrize("criterion", [HeldOut(max_error=1.0), HeldOut(max_wrong=5)])
def test_an_error_that_is_not_finite_never_passes(criterion: HeldOut) -> None:
    scores = Scores(jnp.zeros(5), jnp.array(ERRORS).at[1].set(jnp.nan), jnp.array(RIGHT))
    assert not passes(criterion, scores, jnp.array(WEIGHTS))
