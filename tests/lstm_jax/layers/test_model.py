"""A sequence model is encoder, stack and readout; whole sequences and single steps agree."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, LSTM1997, Elman, Noise, Stack, Zoneout
from lstm_jax.cells import Cell
from lstm_jax.layers import SequenceModel
from tests.cases import BATCH, INPUTS, draw, normal
from tests.tolerances import CLOSE, assert_close

STEPS, VOCABULARY, WIDTH = 7, 6, 3
STACK = Stack((LSTM(4), LSTM(5)))

VALUES = SequenceModel(STACK, INPUTS, WIDTH)
ONE_HOT = SequenceModel(STACK, VOCABULARY, WIDTH, tokens=True)
EMBEDDED = SequenceModel(STACK, VOCABULARY, WIDTH, tokens=True, embedding_size=2)
MODELS = {"values": VALUES, "one-hot": ONE_HOT, "embedded": EMBEDDED}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def parameters(model: SequenceModel):
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return normal(np.random.default_rng(10), shapes, scale=0.7)


def inputs(model: SequenceModel) -> jax.Array:
    rng = np.random.default_rng(11)
    if model.tokens:
        return jnp.array(rng.integers(VOCABULARY, size=(STEPS, BATCH)))
    return jnp.array(rng.normal(size=(STEPS, BATCH, INPUTS)).astype(np.float32))


def encoded(model: SequenceModel, params, given: jax.Array) -> jax.Array:
    """What the stack should see, row by row."""
    if not model.tokens:
        return given
    table = np.eye(VOCABULARY, dtype=np.float32) if params.embedding is None else params.embedding
    return jnp.array([[table[token] for token in row] for row in given.tolist()])


@every_model
def test_encodes_runs_and_reads_out(model: SequenceModel) -> None:
    params, given = parameters(model), inputs(model)
    call = draw(STACK.layers[0], {"lengths"}, steps=STEPS)
    state = normal(np.random.default_rng(12), model.initial_state(params, BATCH))
    lengths = jnp.array(call.lengths)
    found = jax.jit(model.apply)(params, given, state, lengths=lengths)
    seen = encoded(model, params, given)
    final, ys = STACK.unroll(params.stack, seen, state, lengths=lengths)
    assert_close(found, (final, np.asarray(ys) @ params.w_out + params.b_out), CLOSE["float32"])


@every_model
def test_stepping_equals_applying(model: SequenceModel) -> None:
    params, given = parameters(model), inputs(model)
    expected = jax.jit(model.apply)(params, given)
    step, state, read = jax.jit(model.step), model.initial_state(params, BATCH), []
    for row in given:
        state, out = step(params, state, row)
        read.append(out)
    assert_close((state, jnp.stack(read)), expected, CLOSE["float32"])


@every_model
def test_parameters_fit(model: SequenceModel) -> None:
    params = parameters(model)
    seen = {"values": INPUTS, "one-hot": VOCABULARY, "embedded": 2}
    (name,) = (name for name, each in MODELS.items() if each is model)
    assert params.stack[0].w_x.shape == (seen[name], 16)
    assert params.w_out.shape == (5, WIDTH)
    assert params.b_out.shape == (WIDTH,)
    assert (params.embedding is None) == (model.embedding_size is None)


def test_embedding_and_readout_begin_with_their_variances() -> None:
    model = SequenceModel(Stack((LSTM(100),)), 50, 80, tokens=True, embedding_size=60)
    params = jax.jit(model.init)(jax.random.key(0))
    assert params.embedding.shape == (50, 60)
    assert abs(np.std(params.embedding) - 1) < 0.05
    assert abs(np.std(params.w_out) * 10 - 1) < 0.05
    assert not params.b_out.any()


@pytest.mark.usefixtures("float64")
@every_model
def test_parameters_are_float32_whatever_the_default(model: SequenceModel) -> None:
    params = jax.eval_shape(model.init, jax.random.key(0))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(params)} == {"float32"}


DROPPING = SequenceModel(STACK, INPUTS, WIDTH, dropout=0.25)
NOISE = Noise(jax.random.key(3))


def test_nothing_is_dropped_without_noise() -> None:
    params, given = parameters(DROPPING), inputs(DROPPING)
    kept, plain = DROPPING.apply(params, given), VALUES.apply(params, given)
    assert_close(kept, plain, CLOSE["float32"])
    assert_close(VALUES.apply(params, given, noise=NOISE), plain, CLOSE["float32"])
    assert abs(DROPPING.apply(params, given, noise=NOISE)[1] - plain[1]).max() > 0.01


def test_inputs_and_outputs_are_dropped() -> None:
    """By a readout that is the identity, and by the gradient of the inputs."""
    model = SequenceModel(Stack((LSTM(30),)), 20, 30, dropout=0.25, readout_bias=False)
    params = parameters(model)._replace(w_out=jnp.eye(30))
    given = jnp.array(np.random.default_rng(4).normal(size=(STEPS, BATCH, 20)).astype(np.float32))

    def total(given: jax.Array) -> tuple[jax.Array, jax.Array]:
        _, ys = model.apply(params, given, noise=NOISE)
        return jnp.sum(jnp.sin(ys)), ys

    reached, ys = jax.jit(jax.grad(total, has_aux=True))(given)
    for values in (reached, ys):
        assert abs((np.asarray(values) == 0).mean() - 0.25) < 0.05


def test_the_stack_draws_too() -> None:
    model = SequenceModel(Stack((Zoneout(LSTM(4), h=0.5),)), INPUTS, WIDTH)
    params, given = parameters(model), inputs(model)
    one, other = (model.apply(params, given, noise=Noise(jax.random.key(n)))[1] for n in (0, 1))
    assert abs(one - other).max() > 0.01


def test_what_a_sequence_drops_is_its_rows_alone() -> None:
    """The place in the batch does not matter: a sharded batch drops the same."""
    params, given = parameters(DROPPING), inputs(DROPPING)
    apply = jax.jit(DROPPING.apply)
    _, whole = apply(params, given, noise=NOISE)
    rows = jnp.arange(BATCH)[::-1]
    _, turned = apply(params, given[:, ::-1], noise=NOISE._replace(rows=rows))
    assert_close(turned[:, ::-1], whole, CLOSE["float32"])


def test_the_readout_without_a_bias_and_with_a_shortcut() -> None:
    model = SequenceModel(
        STACK, VOCABULARY, WIDTH, tokens=True, embedding_size=2, readout_bias=False, shortcut=True
    )
    params, given = jax.tree.map(jnp.asarray, parameters(model)), inputs(model)
    assert params.b_out is None
    assert params.w_shortcut.shape == (2, WIDTH)
    xs = encoded(model, params, given)
    final, ys = STACK.unroll(params.stack, xs)
    read = np.asarray(ys) @ params.w_out + np.asarray(xs) @ params.w_shortcut
    assert_close(model.apply(params, given), (final, read), CLOSE["float32"])
    _, first = model.step(params, model.initial_state(params, BATCH), given[0])
    assert_close(first, read[0], CLOSE["float32"])


def test_an_embedding_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="embedding_size=4 but the inputs are not tokens"):
        SequenceModel(STACK, INPUTS, WIDTH, embedding_size=4)


@pytest.mark.parametrize(
    "setting, value, words",
    [
        ("dropout", 1.0, r"SequenceModel\.dropout must be below 1\.0, got 1\.0"),
        ("input_size", 0, r"SequenceModel\.input_size must be at least 1, got 0"),
        ("output_size", -1, r"SequenceModel\.output_size must be at least 1, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: float, words: str) -> None:
    given = {"stack": STACK, "input_size": 1, "output_size": 1, setting: value}
    with pytest.raises(ValueError, match=words):
        SequenceModel(**given)


def test_the_executor_is_obeyed() -> None:
    model = SequenceModel(STACK, INPUTS, WIDTH, executor="scam")
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        model.apply(parameters(model), inputs(model))


@pytest.mark.parametrize("cell", [LSTM(3), GRU(3), Elman(3), LSTM1997(4, block_size=2)], ids=repr)
def test_rows_of_many_tokens_are_looked_up_to_the_same_end(cell: Cell) -> None:
    """Tokens in one-hot vectors wider than the gates, beside the same vectors as values."""
    width = jax.eval_shape(lambda: cell.init(jax.random.key(0), 1)).w_x.shape[1]
    tokens = jax.random.randint(jax.random.key(1), (7, 2), 0, width + 5)
    model = SequenceModel(Stack((cell,)), width + 5, 2, tokens=True)
    plain = dataclasses.replace(model, tokens=False)
    params = model.init(jax.random.key(2))

    def loss(model: SequenceModel, inputs: jax.Array, params: Any) -> jax.Array:
        ys = model.apply(params, inputs, lengths=jnp.array([7, 4]))[1]
        return (ys * jnp.arange(2.0)).sum()

    graded = jax.value_and_grad(loss, argnums=2)
    one_hot = jax.nn.one_hot(tokens, width + 5)
    assert_close(graded(model, tokens, params), graded(plain, one_hot, params), CLOSE["float32"])


LOOKED_UP = SequenceModel(Stack((LSTM(1),)), VOCABULARY, WIDTH, tokens=True)
of_tokens = pytest.mark.parametrize("model", [ONE_HOT, EMBEDDED, LOOKED_UP])


@of_tokens
def test_tokens_that_are_none_are_zeros_under_jit(model: SequenceModel) -> None:
    params = jax.tree.map(jnp.asarray, parameters(model))
    wrong = inputs(model).at[2, 0].set(-1).at[4, 1].set(VOCABULARY)

    def found(params: Any, tokens: jax.Array) -> jax.Array:
        return jnp.sin(model.apply(params, tokens)[1]).sum()

    def expected(params: Any, tokens: jax.Array) -> jax.Array:
        table = jnp.eye(VOCABULARY) if params.embedding is None else params.embedding
        xs = jnp.where((tokens == wrong)[..., None], table[tokens], 0)
        _, ys = model.stack.unroll(params.stack, xs)
        return jnp.sin(model.read(params, xs, ys)).sum()

    graded = jax.jit(jax.value_and_grad(found))(params, wrong)
    tokens = wrong.clip(0, VOCABULARY - 1)
    assert_close(graded, jax.jit(jax.value_and_grad(expected))(params, tokens), CLOSE["float32"])


@of_tokens
def test_tokens_that_are_none_are_refused_where_they_are_known(model: SequenceModel) -> None:
    params, given = parameters(model), inputs(model)
    for token in (-1, VOCABULARY):
        wrong = given.at[4, 1].set(token)
        with pytest.raises(ValueError, match=rf"tokens must be in 0\.\.5, got {token}"):
            model.apply(params, wrong)
        with pytest.raises(ValueError, match=rf"tokens must be in 0\.\.5, got {token}"):
            model.step(params, model.initial_state(params, BATCH), wrong[4])
        lengths = jnp.full(BATCH, STEPS).at[1].set(4)
        padded = model.apply(params, wrong, lengths=lengths)
        assert_close(padded, model.apply(params, given, lengths=lengths), CLOSE["float32"])


def test_a_readout_of_a_given_scale_begins_uniform() -> None:
    model = SequenceModel(Stack((LSTM(500),)), 3, 40, shortcut=True, readout_scale=0.1)
    params = model.init(jax.random.key(0))
    for drawn in (params.w_out, params.w_shortcut, params.b_out):
        assert drawn is not None
        assert 0.08 < float(abs(drawn).max()) <= 0.1
        assert abs(float(drawn.mean())) < 0.04
