"""Laws of cells around a cell, alone and around each other: the masks that they draw belong to a
sequence and a step, whatever runs them, in any pieces and any batch.
"""

import functools
from collections.abc import Iterable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import Noise, unroll
from lstm_jax.cells import Cell, DropConnect, Elman, LearnedState, RecurrentDropout, Zoneout
from lstm_jax.executors import EXECUTORS, Request
from tests.cases import (
    BATCH,
    CASES,
    HIDDEN,
    OPTIONS,
    WRAPPED,
    cotangents,
    draw,
    outputs_and_gradients,
    turned,
)
from tests.tolerances import CLOSE, assert_close

STEPS, HALF = 8, 4
NOISE = Noise(jax.random.key(7))

every_cell = pytest.mark.parametrize("cell", WRAPPED.values(), ids=WRAPPED)
every_noisy_cell = pytest.mark.parametrize(
    "cell",
    [cell for name, cell in WRAPPED.items() if name != "learned_state"],
    ids=[name for name in WRAPPED if name != "learned_state"],
)


def drawn(
    cell: Cell, options: Iterable[str] = ("state", "lengths", "resets"), batch: int = BATCH
) -> Any:
    return jax.tree.map(jnp.asarray, draw(cell, options, steps=STEPS, batch=batch))


def run(cell: Any, call: Any, noise: Noise | None = NOISE, **options: Any) -> Any:
    return unroll(cell, *call[:3], lengths=call.lengths, resets=call.resets, noise=noise, **options)


RUNS = [*((name, NOISE) for name in WRAPPED), ("everything", None)]


@pytest.mark.few(2)
@pytest.mark.parametrize("name, noise", RUNS)
def test_all_executors_draw_and_compute_the_same(name: str, noise: Noise | None) -> None:
    cell = WRAPPED[name]
    request = Request(cell, "cpu")
    whole = [each for each in EXECUTORS if each != "checkpointed"]  # which runs segments by another
    serving = [each for each in whole if EXECUTORS[each].unsupported(request) is None]
    call = draw(cell, OPTIONS["all"], steps=STEPS)
    weights = cotangents(cell, call)
    results = [
        outputs_and_gradients(call, weights, cell=cell, executor=name, reverse=True, noise=noise)
        for name in serving
    ]
    for other in results[1:]:
        assert_close(other, results[0], CLOSE["float32"])


@pytest.mark.few(2)
@every_cell
def test_cut_in_two_with_the_steps_counted_equals_the_whole(cell: Cell) -> None:
    call = drawn(cell)
    first = call._replace(
        xs=call.xs[:HALF], lengths=call.lengths.clip(0, HALF), resets=call.resets[:HALF]
    )
    state, early = run(cell, first)
    second = call._replace(
        xs=call.xs[HALF:], state=state, lengths=(call.lengths - HALF).clip(0),
        resets=call.resets[HALF:],
    )  # fmt: skip
    final, late = run(cell, second, NOISE._replace(first_step=HALF))
    assert_close(run(cell, call), (final, jnp.concatenate([early, late])), CLOSE["float32"])


@pytest.mark.few(2)
@every_cell
def test_equals_stepping_one_by_one(cell: Cell) -> None:
    call = drawn(cell, {"state"})
    state, ys = call.state, []
    for t in range(STEPS):
        now = call._replace(xs=call.xs[t : t + 1], state=state)
        state, y = run(cell, now, NOISE._replace(first_step=jnp.int32(t)))
        ys.append(y)
    assert_close(run(cell, call), (state, jnp.concatenate(ys)), CLOSE["float32"])


@every_cell
def test_reverse_is_its_own_mirror(cell: Cell) -> None:
    call = drawn(cell)
    xs, resets = (turned(each, call.lengths) for each in (call.xs, call.resets))
    final, ys = run(cell, call._replace(xs=jnp.asarray(xs), resets=jnp.asarray(resets)))
    mirrored = final, turned(ys, call.lengths)
    assert_close(run(cell, call, reverse=True), mirrored, CLOSE["float32"])


@every_cell
def test_masks_do_not_depend_on_the_batch_they_are_in(cell: Cell) -> None:
    """Sequences 2, 0, 3 and 1 of a batch, as numbers 9, 4, 7 and 5 of all."""
    call, order = drawn(cell), jnp.array([2, 0, 3, 1])
    numbers = jnp.array([4, 5, 9, 7])
    moved = call._replace(
        xs=call.xs[:, order],
        state=jax.tree.map(lambda leaf: leaf[order], call.state),
        lengths=call.lengths[order],
        resets=call.resets[:, order],
    )
    final, ys = run(cell, call, NOISE._replace(rows=numbers))
    expected = jax.tree.map(lambda leaf: leaf[order], final), ys[:, order]
    assert_close(run(cell, moved, NOISE._replace(rows=numbers[order])), expected, CLOSE["float32"])


def test_without_rows_sequences_count_from_0() -> None:
    cell = WRAPPED["zoneout"]
    call = drawn(cell)
    counted = NOISE._replace(rows=jnp.arange(BATCH))
    chex.assert_trees_all_equal(run(cell, call), run(cell, call, counted))


@every_noisy_cell
def test_training_depends_on_the_key_alone(cell: Cell) -> None:
    call = drawn(cell, {"state"})
    _, ys = run(cell, call)
    chex.assert_trees_all_equal(run(cell, call)[1], ys)
    others = [None, Noise(jax.random.key(8)), NOISE.fold(1)]
    for other in others:
        assert np.abs(run(cell, call, other)[1] - ys).max() > 0.01


def test_runs_under_jit_with_the_key_traced() -> None:
    cell = WRAPPED["everything"]
    call = drawn(cell)
    traced = jax.jit(functools.partial(run, cell))(call, NOISE._replace(first_step=2))
    assert_close(traced, run(cell, call, NOISE._replace(first_step=2)), CLOSE["float32"])


@every_cell
def test_evaluation_takes_no_part_of_what_is_dropped(cell: Cell) -> None:
    """Without noise, dropout is not there; zoneout is its expectation, which is not nothing."""
    inner: Any = cell
    call = drawn(cell, {"state"})
    params = call.params
    while not isinstance(inner, tuple(type(each) for each, _ in CASES.values())):
        if isinstance(inner, Zoneout):
            return
        params = params.cell if isinstance(inner, LearnedState) else params
        inner = inner.cell
    expected = run(inner, call._replace(params=params), None)
    assert_close(run(cell, call, None), expected, CLOSE["float32"])


@pytest.mark.few(3)
@pytest.mark.parametrize("case", ["gru", "lstm_variant of everything", "lstm1997"])
@pytest.mark.parametrize("noise", [NOISE, None], ids=["training", "evaluation"])
def test_rates_of_zero_change_nothing(case: str, noise: Noise | None) -> None:
    cell, _ = CASES[case]
    call = drawn(cell)
    wrapped = Zoneout(RecurrentDropout(DropConnect(cell, rate=0.0), rate=0.0))
    assert_close(run(wrapped, call, noise), run(cell, call, None), CLOSE["float32"])


def test_no_sequence_shares_its_masks() -> None:
    """All sequences alike: what differs is what was drawn."""
    for cell in (Zoneout(CASES["lstm"][0], h=0.5), RecurrentDropout(CASES["lstm"][0], rate=0.5)):
        call = drawn(cell, {"state"}, batch=16)
        alike = call._replace(
            xs=jnp.broadcast_to(call.xs[:, :1], call.xs.shape),
            state=jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[:1], leaf.shape), call.state),
        )
        _, ys = run(cell, alike)
        assert len({tuple(row) for row in np.asarray(ys[-1]).tolist()}) > 2**HIDDEN // 2


def test_a_regulariser_within_its_own_kind_draws_apart() -> None:
    """Half of a half is left: two masks, not one twice."""
    cell = RecurrentDropout(RecurrentDropout(Elman(2000), rate=0.5), rate=0.5)
    masked = cell.disturb(jax.eval_shape(lambda k: cell.init(k, 1), jax.random.key(0)), NOISE, 1)
    kept = np.asarray(masked.mask * masked.cell.mask) > 0
    assert abs(kept.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / kept.size)
    twice = DropConnect(DropConnect(Elman(60), rate=0.5), rate=0.5)
    params = twice.init(jax.random.key(0), 1)
    weights = np.asarray(twice.disturb(params, NOISE, 1).w_h)
    assert abs((weights != 0).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / weights.size)
