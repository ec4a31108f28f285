"""The gradient at every lag is that of a reference whose states are moved one by one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Elman, Stack
from lstm_jax.cells import ElmanParams
from lstm_jax.diagnostics import decay, gradient_flow, last_scored
from lstm_jax.diagnostics.gradient import Perturbed
from lstm_jax.layers import SequenceModel
from lstm_jax.tasks import Adding, Copying
from tests import reference
from tests.cases import BATCH, CASES
from tests.lstm_jax.diagnostics.looked_at import (
    CELLS,
    FORWARDS,
    MODEL,
    REFERENCED,
    STEPS,
    called,
    in_worlds,
    of_model,
    slope,
)
from tests.tolerances import CLOSE, assert_close


def at_the_end(lengths: Any, weights: Any):
    """A loss of the outputs at each sequence's last step; sequences without a step have none."""

    def loss(ys):
        last = jnp.take_along_axis(ys, jnp.maximum(lengths - 1, 0)[None, :, None], axis=0)[0]
        return jnp.where(lengths[:, None] > 0, last * weights, 0.0).sum()

    return loss


def slopes(case: str, params: Any, xs: np.ndarray, weights: np.ndarray) -> list[dict[str, Any]]:
    """dL/dstate after each step of one sequence, by complex steps."""
    told, moved = in_worlds(case, params)
    found = []
    for at in range(len(xs)):
        state = told.start()
        for t, x in enumerate(np.float64(xs)):
            state, y = told.forward(state, x[:, None])
            if t == at:
                state = moved(state)
                y = shown(told, state)
        by_number = np.tensordot(weights, slope(y), 1)
        widths = {name: len(part) for name, part in state.items() if part is not None}
        found.append(reference.unpack(by_number, widths, 0))
    return found


def shown(told: Any, state: dict[str, Any]) -> np.ndarray:
    """The output of a state."""
    w_p = told.params.get("w_p")
    return state["h"] if w_p is None else reference.times(state["h"], w_p)


@pytest.mark.few(3)
@pytest.mark.parametrize("case", REFERENCED)
def test_norms_are_those_of_the_reference(case: str) -> None:
    cell, _ = CASES[case]
    params, xs, lengths = called(cell)
    weights = np.random.default_rng(3).normal(size=(BATCH, cell.output_size)).astype("float32")
    (found,) = gradient_flow(cell, params, xs, at_the_end(lengths, weights), lengths)
    by_row = [
        slopes(case, params, np.asarray(xs)[:length, b], np.float64(weights[b]))[::-1]
        for b, length in enumerate(np.asarray(lengths))
    ]
    for name, norms in found.items():
        for lag in range(STEPS):
            squares = [np.sum(row[lag][name] ** 2) for row in by_row if len(row) > lag]
            assert_close(norms[lag], np.sqrt(np.mean(squares)), CLOSE["float32"])


@pytest.mark.few(4)
@pytest.mark.parametrize("case", CELLS)
def test_a_perturbation_of_zero_changes_nothing(case: str) -> None:
    cell = CELLS[case]
    params, xs, _ = called(cell)
    state = cell.initial_state(params, BATCH)
    width = sum(leaf.shape[-1] for leaf in jax.tree.leaves(state))
    x = jnp.concatenate([xs[0], jnp.zeros((BATCH, width))], axis=-1)
    expected = cell.step(params, state, xs[0])
    perturbed = Perturbed(cell, width)
    assert_close(perturbed.step(params, state, x), expected, CLOSE["float32"])
    for shapes in (
        perturbed.param_shapes(x.shape[-1]),
        perturbed.init(jax.random.key(0), x.shape[-1]),
    ):
        assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, params)


def test_every_layer_of_a_model_by_steps_of_its_stack() -> None:
    """Residual and shortcut included; the loss is read with the readout."""
    params, xs, _ = of_model(FORWARDS)
    lengths = jnp.full(BATCH, STEPS)
    loss = at_the_end(lengths, jnp.float32(np.random.default_rng(4).normal(size=(BATCH, 2))))
    found = gradient_flow(FORWARDS, params, xs, loss)

    def moved(pushes: list[dict[str, jax.Array]]) -> jax.Array:
        """A push on a layer's state is seen by it a step later, and by the layers above at once."""
        states = list(FORWARDS.initial_state(params, BATCH))
        outputs = []
        for t, x in enumerate(xs):
            y = x
            for number, cell in enumerate(FORWARDS.stack.layers):
                state, _ = cell.step(params.stack[number], states[number], y)
                state = type(state)(
                    **{k: v + pushes[number][k][t] for k, v in state._asdict().items()}
                )
                states[number], y = state, state.h + y if number else state.h
            outputs.append(FORWARDS.read(params, x, y))
        return loss(jnp.stack(outputs))

    nothing = [{name: jnp.zeros((STEPS, BATCH, 4)) for name in norms} for norms in found]
    gradients = jax.jit(jax.grad(moved))(nothing)
    expected = jax.tree.map(lambda g: np.sqrt((g[::-1] ** 2).sum(-1).mean(-1)), gradients)
    assert_close(list(found), expected, CLOSE["float32"])


def linear(factor: float, size: int = 3) -> ElmanParams:
    """A rectified network that multiplies what is above zero."""
    return ElmanParams(jnp.eye(size), factor * jnp.eye(size), jnp.zeros(size))


@pytest.mark.parametrize("factor", [0.1, 1.0, 1.1])
def test_of_a_linear_recurrence_are_its_powers(factor: float) -> None:
    """Down to numbers whose squares float32 does not hold."""
    cell, xs = Elman(3, activation="relu"), jnp.ones((36, 2, 3))
    (found,) = gradient_flow(cell, linear(factor), xs, lambda ys: ys[-1].sum())
    expected = np.sqrt(3) * factor ** np.arange(36.0)
    np.testing.assert_allclose(found["h"], expected, rtol=1e-5)
    np.testing.assert_allclose(decay(found["h"]).rate, factor, rtol=1e-5)


def test_what_leaves_the_range_is_infinite_and_what_nobody_reaches_is_not_a_number() -> None:
    cell, xs = Elman(3, activation="relu"), jnp.full((50, 2, 3), 1e-30)
    lengths = jnp.array([45, 20])
    ends = at_the_end(lengths, jnp.ones((2, 3)))
    (found,) = gradient_flow(cell, linear(10.0), xs, ends, lengths)
    assert np.isfinite(found["h"][:30]).all()
    assert np.isinf(found["h"][40:45]).all()
    assert np.isnan(found["h"][45:]).all()
    assert decay(found["h"]).verdict == "exploding"


def test_the_carousel_carries() -> None:
    """An LSTM whose gates are open and see nothing: dL/dc is the same at every lag but 0."""
    cell = LSTM(2)
    bias = jnp.repeat(jnp.array([0.0, 40.0, 0.0, 0.0]), 2)
    params = jax.tree.map(jnp.zeros_like, cell.param_shapes(1))._replace(b=bias)
    (found,) = gradient_flow(cell, params, jnp.ones((100, 3, 1)), lambda ys: ys[-1].sum())
    np.testing.assert_allclose(found["c"][1:], np.sqrt(2) * 0.5, rtol=1e-6)
    assert found["c"][0] == 0.0
    assert np.asarray(found["h"])[1:].max() == 0.0
    assert decay(found["c"]).verdict == "steady"


@pytest.mark.parametrize(
    "task",
    [Adding("hochreiter1997", 20), Copying("arjovsky2016", gap=3)],
    ids=["adding", "copying"],
)
def test_the_loss_of_the_last_scored_step(task) -> None:
    batch = jax.jit(task.sample, static_argnums=1)(jax.random.key(0), 3)
    steps = len(batch.weights)
    outputs = jax.random.normal(jax.random.key(1), (steps, 3, task.output_size))
    gradient = np.asarray(jax.jit(jax.grad(last_scored(task, batch)))(outputs))
    ends = np.full(3, steps) if batch.lengths is None else np.asarray(batch.lengths)
    for b, end in enumerate(ends):
        assert np.flatnonzero(np.abs(gradient[:, b]).sum(-1)).tolist() == [end - 1]
    if isinstance(task, Adding):
        expected = task.score(outputs, batch).loss.sum()
        assert_close(last_scored(task, batch)(outputs), expected, CLOSE["float32"])


def test_tokens_reach_every_layer() -> None:
    task = Copying("arjovsky2016", gap=3)
    model = SequenceModel(
        Stack((LSTM(4), GRU(3))), task.input_size, task.output_size, tokens=True, embedding_size=3
    )

    @jax.jit
    def run(key: jax.Array):
        params, batch = model.init(key), task.sample(key, 4)
        return gradient_flow(model, params, batch.inputs, last_scored(task, batch))

    found = run(jax.random.key(0))
    assert [sorted(of_layer) for of_layer in found] == [["c", "h"], ["h"]]
    assert all(np.asarray(norms[1:]).min() > 0 for of_layer in found for norms in of_layer.values())


def test_layers_that_run_both_ways_are_refused() -> None:
    params, xs, lengths = of_model(MODEL)
    with pytest.raises(ValueError, match="from both ends"):
        gradient_flow(MODEL, params, xs, jnp.sum, lengths)
