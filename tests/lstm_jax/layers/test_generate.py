"""Generation draws each token from the model's own predictions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Stack
from lstm_jax.layers import SequenceModel, generate
from tests.cases import normal

TOKENS = 5
MODEL = SequenceModel(Stack((LSTM(4),)), TOKENS, TOKENS, tokens=True)
PROMPT = jnp.array([1, 4, 2])
KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def params():
    shapes = jax.eval_shape(MODEL.init, KEY)
    return normal(np.random.default_rng(23), shapes, scale=1.5)


def test_when_cold_it_takes_the_most_probable_token_each_time(params) -> None:
    tokens = generate(MODEL, params, PROMPT, 8, KEY, temperature=1e-4)
    read = jnp.concatenate([PROMPT, tokens[:-1]])
    _, logits = MODEL.apply(params, read[:, None])
    best = jnp.argmax(logits[:, 0], axis=-1).tolist()
    assert tokens.tolist() == best[len(PROMPT) - 1 :]
    assert len(set(best[: len(PROMPT)])) == len(PROMPT)  # each step of the prompt says another


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_tokens_have_the_probabilities_of_the_model(params, temperature: float) -> None:
    """A readout that sees nothing has the same probabilities at every step."""
    blind = params._replace(w_out=np.zeros_like(params.w_out))
    steps = 4000
    tokens = generate(MODEL, blind, PROMPT, steps, KEY, temperature)
    shares = np.bincount(tokens, minlength=TOKENS) / steps
    expected = jax.nn.softmax(blind.b_out / temperature)
    deviations = abs(shares - expected) / np.sqrt(expected * (1 - expected) / steps)
    assert deviations.max() < 4


def test_the_key_decides(params) -> None:
    one, same, other = (
        generate(MODEL, params, PROMPT, 20, jax.random.key(seed)).tolist() for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_the_order_of_the_prompt_counts(params) -> None:
    cold = {"steps": 8, "key": KEY, "temperature": 1e-4}
    forward = generate(MODEL, params, PROMPT, **cold)
    assert forward.shape == (8,)
    assert forward.tolist() != generate(MODEL, params, PROMPT[::-1], **cold).tolist()


def test_an_empty_prompt_is_refused(params) -> None:
    with pytest.raises(ValueError, match="prompt is empty; give at least one token"):
        generate(MODEL, params, PROMPT[:0], 3, KEY)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_not_positive_is_refused(params, temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature must be above 0, got {temperature}"):
        generate(MODEL, params, PROMPT, 3, KEY, temperature)


def test_a_temperature_that_is_no_number_is_refused(params) -> None:
    with pytest.raises(ValueError, match="temperature must be above 0, got nan"):
        generate(MODEL, params, PROMPT, 3, KEY, float("nan"))


def test_a_model_of_values_is_refused(params) -> None:
    values = SequenceModel(MODEL.stack, TOKENS, TOKENS)
    with pytest.raises(ValueError, match="the model reads values, not tokens"):
        generate(values, params, PROMPT, 3, KEY)
