"""Online learning against backpropagation, the published equations, and itself in parts."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lstm_jax import GRU, LSTM, LSTM1997, Elman
from lstm_jax.cells import Cell, LearnedState
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import (
    Batch,
    ContinualReber,
    ContinualTemporalOrder,
    Copying,
    LongLag,
    Reber,
    Task,
)
from lstm_jax.training import SeedState, Training
from lstm_jax.training.examine import examine, first_bad
from lstm_jax.training.loop import learn, run_steps, start
from lstm_jax.training.online import Online
from tests.lstm_jax.tasks.odds import draw
from tests.lstm_jax.training.plain import RATE, Leaky, Walk, assert_identical, member
from tests.tolerances import CLOSE, assert_close

BATCH = 3
STRINGS = Reber(loss="squares")
BLOCKS = LSTM1997(4, block_size=2, truncated=True, biased="gates", scale=0.9)


def model_of(task: Task, *cells: Cell, **options: Any) -> SequenceModel:
    return SequenceModel(
        Stack(cells), task.input_size, task.output_size, tokens=task.tokens, **options
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def drawn(model: SequenceModel, dtype: Any = jnp.float32) -> Any:
    """Parameters, none of which is zero."""
    leaves, structure = jax.tree.flatten(model.init(jax.random.key(5), dtype))
    keys = jax.random.split(jax.random.key(6), len(leaves))
    return jax.tree.unflatten(
        structure,
        [
            leaf + 0.3 * jax.random.normal(k, leaf.shape, dtype)
            for leaf, k in zip(leaves, keys, strict=True)
        ],
    )


def begin(online: Online, params: Any, inputs: Any) -> Any:
    """Compiled: operation by operation each would be compiled alone."""
    return jax.jit(online.begin)(params, inputs)


def begun(training: Training, learning_rate: float = RATE) -> SeedState:
    return jax.jit(lambda: start(training, member(learning_rate=learning_rate)))()


def taken(training: Training, state: SeedState, until: int, afresh: bool) -> SeedState:
    """Steps of training."""
    run = jax.jit(lambda *call: run_steps(training, *call))
    return run(state, jnp.int32(until), jnp.bool_(afresh))


def adding_up() -> optax.GradientTransformation:
    """An optimiser that moves nothing, whose state is the sum of all gradients."""

    def init(params: Any) -> Any:
        return jax.tree.map(jnp.zeros_like, params)

    def update(gradient: Any, total: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(jnp.zeros_like, gradient), jax.tree.map(jnp.add, total, gradient)

    return optax.GradientTransformation(init, update)  # type: ignore[arg-type]


STACKS = {
    "lstm": (LSTM(4),),
    "gru": (GRU(4),),
    "elman": (Elman(4),),
    "learned state": (LearnedState(LSTM(3)),),
    "two layers": (LSTM(3), Elman(4)),
    "lstm1997": (LSTM1997(4, block_size=2),),
    "lstm1997 truncated": (BLOCKS,),
    "lstm1997 with forget gates": (LSTM1997(4, forget_gate=True, fed_back="cells"),),
    "lstm1997 that feeds back nothing": (LSTM1997(2, fed_back="none", output_gate=False),),
}


@pytest.mark.few(4)
@pytest.mark.parametrize("cells", STACKS.values(), ids=STACKS)
def test_gradients_of_steps_add_up_to_that_of_the_sequence(
    cells: tuple[Cell, ...], float64: None
) -> None:
    model = model_of(STRINGS, *cells, executor="scan")
    params, batch = drawn(model, jnp.float64), draw(STRINGS, BATCH, 1)

    def loss(params: Any) -> Any:
        _, outputs = model.apply(params, batch.inputs, lengths=batch.lengths)
        scores = STRINGS.score(outputs, batch)
        return scores.loss.mean(), scores

    expected, scores = jax.grad(loss, has_aux=True)(params)
    online = Online(model, STRINGS, adding_up())
    running = begin(online, params, batch.inputs)
    taught = jax.jit(online.learn)(params, online.optimizer.init(params), running, batch)
    assert_identical(taught.params, params)
    assert_close(taught.moments, expected, CLOSE["float64"])
    assert_close(taught.scores, scores, CLOSE["float64"])


def test_each_step_counts_by_its_own_weight(float64: None) -> None:
    """The loss of a sequence, a weighted mean over its steps, times the sum of the weights."""
    task = Copying("arjovsky2016", gap=3, copied=2, alphabet=5, answer_weight=4.0)
    model = model_of(task, LSTM(3), executor="scan")
    params, batch = drawn(model, jnp.float64), draw(task, BATCH, 1)

    def loss(params: Any) -> Any:
        return task.score(model.apply(params, batch.inputs)[1], batch).loss.mean()

    gradient, total = jax.jit(jax.grad(loss))(params), batch.weights[:, 0].sum()
    online = Online(model, task, adding_up())
    running = begin(online, params, batch.inputs)
    taught = jax.jit(online.learn)(params, online.optimizer.init(params), running, batch)
    expected = jax.tree.map(lambda leaf: leaf * total, gradient)
    assert_close(taught.moments, expected, CLOSE["float64"])


def test_what_later_steps_depend_on_is_followed_alone() -> None:
    """Of a truncated network that is c, though h and the gates are fed back as well."""
    inputs = draw(STRINGS, BATCH, 1).inputs
    for cell, size in [(BLOCKS, 4), (dataclasses.replace(BLOCKS, truncated=False), 12)]:
        model = model_of(STRINGS, cell)
        params = model.init(jax.random.key(0))
        running = Online(model, STRINGS, optax.sgd(0.1)).begin(params, inputs)
        w_x, w_h, b = params.stack[0]
        shapes = [(BATCH, size, *leaf.shape) for leaf in (w_x, w_h, b)]
        assert [j.shape for j in running.influence] == shapes


class Weights(NamedTuple):
    w_in: Any
    w_g: Any
    w_out: Any
    readout: Any


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def as_published(
    cell: LSTM1997, params: Any, symbols: list[int], targets: np.ndarray, rate: float
) -> Weights:
    """The algorithm of Hochreiter & Schmidhuber 1997, appendix A.1, in its own terms: partial
    derivatives of the internal states for the weights into cells and input gates, an error of the
    output units that is spread to the blocks and no further, and an update at every step.
    """
    blocks, size = cell.blocks, cell.hidden_size
    sources = np.concatenate([params.stack[0].w_x, params.stack[0].w_h])
    gate_bias = np.asarray(params.stack[0].b, np.float64)
    unbiased = np.zeros((1, size))
    w_in = np.concatenate([sources[:, :blocks], gate_bias[None, :blocks]]).astype(np.float64)
    w_g = np.concatenate([sources[:, blocks : blocks + size], unbiased]).astype(np.float64)
    w_out = np.concatenate([sources[:, blocks + size :], gate_bias[None, blocks:]]).astype(
        np.float64
    )
    readout = np.asarray(params.w_out, np.float64).copy()
    block = np.arange(size) // cell.block_size
    s, y, gates = np.zeros(size), np.zeros(size), np.zeros(2 * blocks)
    ds_in, ds_g = np.zeros((len(w_in), size)), np.zeros((len(w_in), size))
    for symbol, target in zip(symbols, targets, strict=True):
        source = np.concatenate([np.eye(7)[symbol], y, gates, [1.0]])
        y_in, y_out = sigmoid(source @ w_in), sigmoid(source @ w_out)
        squashed = sigmoid(source @ w_g)
        g, g_slope = 4 * squashed - 2, 4 * squashed * (1 - squashed)
        ds_in += np.outer(source, g * (y_in * (1 - y_in))[block])
        ds_g += np.outer(source, y_in[block] * g_slope)
        s = s + y_in[block] * g
        h, h_slope = 2 * sigmoid(s) - 1, 2 * sigmoid(s) * (1 - sigmoid(s))
        y, gates = y_out[block] * h, np.concatenate([y_in, y_out])
        shown = sigmoid(y @ readout)
        delta = 2 * shown * (1 - shown) * (target - shown)  # equation 18; 19 leaves out the 2
        to_cells = readout @ delta
        delta_out = y_out * (1 - y_out) * np.bincount(block, h * to_cells)
        e_s = y_out[block] * h_slope * to_cells
        w_out += rate * np.outer(source, delta_out)
        for cell_number in range(size):
            w_in[:, block[cell_number]] += rate * e_s[cell_number] * ds_in[:, cell_number]
            w_g[:-1, cell_number] += rate * e_s[cell_number] * ds_g[:-1, cell_number]
        readout += rate * np.outer(y, delta)
    return Weights(w_in, w_g, w_out, readout)


def test_updates_are_those_of_the_published_equations(float64: None) -> None:
    model = model_of(STRINGS, BLOCKS, readout_bias=False)
    params, batch = drawn(model, jnp.float64), draw(STRINGS, 1, 2)
    online = Online(model, STRINGS, optax.sgd(0.5))
    moments = online.optimizer.init(params)
    running = begin(online, params, batch.inputs)
    new = jax.jit(online.learn)(params, moments, running, batch).params
    end = int(batch.lengths[0])  # type: ignore[index]
    targets = np.eye(7)[np.asarray(batch.targets[:end, 0]).argmax(axis=-1)]
    symbols = batch.inputs[:end, 0].tolist()
    expected = as_published(BLOCKS, params, symbols, targets, rate=0.5)
    w = jnp.concatenate([new.stack[0].w_x, new.stack[0].w_h])
    b = new.stack[0].b
    assert not np.allclose(new.w_out, params.w_out, atol=1e-3)
    for ours, theirs in [
        (jnp.concatenate([w[:, :2], b[None, :2]]), expected.w_in),
        (w[:, 2:6], expected.w_g[:-1]),
        (jnp.concatenate([w[:, 6:], b[None, 2:]]), expected.w_out),
        (new.w_out, expected.readout),
    ]:
        assert_close(ours, theirs, CLOSE["float64"])


def test_steps_at_which_nothing_is_asked_for_move_nothing() -> None:
    """Not even by momentum."""
    task = LongLag("2b", p=6, loss="squares")
    model = model_of(task, LSTM(3))
    params, batch = drawn(model), draw(task, BATCH, 0)
    silent = batch._replace(weights=batch.weights.at[2:4].set(0.0))
    online = Online(model, task, optax.sgd(0.1, momentum=0.9))
    learn = jax.jit(online.learn)
    running = begin(online, params, batch.inputs)
    here = learn(params, online.optimizer.init(params), running, part(silent, 0, 2))
    still = learn(here.params, here.moments, here.running, part(silent, 2, 4))
    assert_identical((still.params, still.moments), (here.params, here.moments))
    moved = learn(here.params, here.moments, here.running, part(batch, 2, 4))
    assert not np.allclose(moved.params.w_out, here.params.w_out, atol=1e-4)


def part(batch: Batch, first: int, last: int) -> Batch:
    inputs, targets, weights = (whole[first:last] for whole in batch[:3])
    return Batch(inputs, targets, weights, None)


def test_what_lies_past_an_end_teaches_nothing() -> None:
    model = model_of(STRINGS, LSTM(3))
    params, batch = drawn(model), draw(STRINGS, BATCH, 4)
    online = Online(model, STRINGS, optax.sgd(0.3))
    moments, running = online.optimizer.init(params), begin(online, params, batch.inputs)
    inside = jnp.arange(len(batch.inputs))[:, None] < batch.lengths
    other = batch._replace(inputs=jnp.where(inside, batch.inputs, 3))
    learn = jax.jit(online.learn)
    expected, found = (learn(params, moments, running, each) for each in (batch, other))
    assert_identical((found.params, found.scores), (expected.params, expected.scores))


def test_a_stream_is_learnt_from_as_one_sequence_however_it_is_cut() -> None:
    task = ContinualReber(window=12, test_length=20, loss="squares")
    training = Training(
        task, model_of(task, BLOCKS), lambda rate: optax.sgd(rate), BATCH, online=True
    )
    state = begun(training, learning_rate=0.4)
    learnt = taken(training, state, 2, afresh=False).learnt
    rows, data = jnp.arange(BATCH), jax.random.fold_in(jax.random.key(int(state.member.seed)), 1)
    batch = jax.jit(task.batch)
    windows = [batch(data, jnp.int32(step), rows) for step in range(2)]
    whole = jax.tree.map(lambda *parts: jnp.concatenate(parts), *windows)
    online = Online(training.model, task, optax.sgd(0.4))  # type: ignore[arg-type]
    old = state.learnt
    expected = jax.jit(online.learn)(old.params, old.optimizer, old.carry, whole)
    assert_close(
        (learnt.params, learnt.carry), (expected.params, expected.running), CLOSE["float32"]
    )


def test_a_stream_goes_on_from_where_its_sequence_ended() -> None:
    """And not from the padding: one row after the other, cut to its length, gives the same."""
    task = ContinualTemporalOrder("6a", length=100, test_sequences=2)
    model = model_of(task, LSTM(3))
    params, batch = drawn(model), draw(task, BATCH, 1)
    assert batch.lengths is not None
    assert len(set(batch.lengths.tolist())) == BATCH
    online = Online(model, task, optax.sgd(0.0))
    moments = online.optimizer.init(params)
    learn = jax.jit(online.learn)
    carried = learn(params, moments, begin(online, params, batch.inputs), batch).running
    for row, length in enumerate(batch.lengths.tolist()):
        inputs, targets, weights = (whole[:length, row : row + 1] for whole in batch[:3])
        alone = Batch(inputs, targets, weights, None)
        expected = learn(params, moments, begin(online, params, inputs), alone).running
        here = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], carried)
        assert_close(here, expected, CLOSE["float32"])


def test_a_stream_that_begins_anew_knows_nothing_of_the_last_one() -> None:
    task = ContinualReber(window=12, windows=1, test_length=20, loss="squares")
    training = Training(
        task, model_of(task, BLOCKS), lambda rate: optax.sgd(rate), BATCH, online=True
    )
    state = begun(training)
    spoilt = jax.tree.map(lambda leaf: leaf + 1.0, state.learnt.carry)
    other = state._replace(learnt=state.learnt._replace(carry=spoilt))
    step = jax.jit(lambda state: learn(training, state)[0])
    assert_identical(step(state), step(other))


@dataclasses.dataclass(frozen=True)
class LeakySteps(Leaky):
    """A model of a few lines that has a step."""

    def step(self, params: Any, state: Any, inputs: Any) -> Any:
        state = 0.9 * state + inputs
        return state, state @ params["w"] + params["b"]


@pytest.mark.parametrize("policy, steps", [("stop", 3), ("skip", 6), ("rollback", 6)])
def test_bad_numbers_never_reach_the_parameters(policy: Any, steps: int) -> None:
    task = Walk(bad_seed=4, bad_steps=(3,), spoilt=float("inf"))
    training = Training(
        task, LeakySteps(), lambda rate: optax.sgd(rate), BATCH, on_nonfinite=policy, online=True
    )
    state = begun(training)
    state = taken(training, state, 6, afresh=True)
    assert state.step == steps
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.learnt))
    if policy == "stop":
        found = jax.tree.map(lambda flag: flag[None], examine(training, state))
        assert first_bad(found, lane=0) == "the loss"


def test_a_model_without_a_step_is_refused() -> None:
    training = Training(Walk(), Leaky(), optax.sgd, BATCH, online=True)
    with pytest.raises(TypeError, match="needs a model with a step, got Leaky"):
        start(training, member())
