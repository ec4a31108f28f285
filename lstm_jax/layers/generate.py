"""Generation: let a model of tokens write on from a prompt, one token at a time."""

from typing import Any

import jax
from jaxtyping import Array, Int, PRNGKeyArray

from lstm_jax.layers.model import SequenceModel


def generate(
    model: SequenceModel,
    params: Any,
    prompt: Int[Array, " P"],
    steps: int,
    key: PRNGKeyArray,
    temperature: float = 1.0,
) -> Int[Array, " N"]:
    """The `steps` tokens that follow `prompt`, drawn from the model's own predictions.

    A temperature below 1 prefers probable tokens. Raises ValueError for an empty prompt, a model
    of values rather than tokens, or a temperature that is not positive.
    """
    if prompt.shape[0] == 0:
        raise ValueError("prompt is empty; give at least one token")
    if not model.tokens:
        raise ValueError("the model reads values, not tokens")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    state, logits = model.apply(params, prompt[:, None])

    def write(carry: tuple[Any, Array], key: PRNGKeyArray) -> tuple[tuple[Any, Array], Array]:
        state, logits = carry
        token = jax.random.categorical(key, logits / temperature)
        return model.step(params, state, token), token

    keys = jax.random.split(key, steps)
    _, tokens = jax.lax.scan(write, (state, logits[-1]), keys)
    return tokens[:, 0]
