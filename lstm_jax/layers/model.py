"""A complete sequence model: encode the inputs, run a stack, read every step out.

tokens (T, B) -> embedding or one-hot -> stack -> dense -> logits (T, B, O)
values (T, B, I)                      -> stack -> dense -> predictions (T, B, O)
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from lstm_jax.checks import Fraction, Settings, Size
from lstm_jax.layers.stack import Stack


class SequenceModelParams(NamedTuple):
    """Parameters of a `SequenceModel`; `embedding` is None without one."""

    embedding: Float[Array, "V E"] | None
    stack: tuple[Any, ...]
    w_out: Float[Array, "H O"]
    b_out: Float[Array, " O"]


@dataclasses.dataclass(frozen=True)
class SequenceModel(Settings):
    """A stack of cells between an encoder and a linear readout.

    Args:
        stack: the recurrent layers.
        input_size: width of the inputs, or the number of different tokens.
        output_size: O, the width of the readout.
        tokens: whether inputs are integers (T, B) rather than values (T, B, I).
        embedding_size: width of a learned embedding; without one tokens are one-hot.
        dropout: share of the stack's inputs and outputs set to zero in training (Zaremba et al.
            2014: never between the steps of a layer).
        executor: as for `lstm_jax.unroll`.
    """

    stack: Stack
    input_size: Size
    output_size: Size
    tokens: bool = False
    embedding_size: Size | None = None
    dropout: Fraction = 0.0
    executor: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding_size is not None and not self.tokens:
            raise ValueError(f"embedding_size={self.embedding_size} but the inputs are not tokens")

    def init(self, key: PRNGKeyArray, dtype: DTypeLike = jnp.float32) -> SequenceModelParams:
        """Draw all parameters."""
        key_e, key_s, key_o = jax.random.split(key, 3)
        embedding = None
        if self.embedding_size is not None:
            embedding = jax.random.normal(key_e, (self.input_size, self.embedding_size), dtype)
        readout = jax.nn.initializers.lecun_normal()
        return SequenceModelParams(
            embedding=embedding,
            stack=self.stack.init(key_s, self.embedding_size or self.input_size, dtype),
            w_out=readout(key_o, (self.stack.output_size, self.output_size), dtype),
            b_out=jnp.zeros(self.output_size, dtype),
        )

    def initial_state(self, params: SequenceModelParams, batch_size: int) -> tuple[Any, ...]:
        """The stack's state before the first step."""
        return self.stack.initial_state(params.stack, batch_size)

    def apply(
        self,
        params: SequenceModelParams,
        inputs: Float[Array, "T B I"] | Int[Array, "T B"],
        state: tuple[Any, ...] | None = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        keys: Shaped[PRNGKeyArray, " B"] | None = None,
    ) -> tuple[tuple[Any, ...], Float[Array, "T B O"]]:
        """The final state and what is read out at every step.

        `keys`, one for each sequence, turn dropout on; without them nothing is dropped.
        """
        xs = self._drop(self._encode(params, inputs), keys, 0)
        state, ys = self.stack.unroll(
            params.stack, xs, state, lengths=lengths, executor=self.executor
        )
        return state, self._drop(ys, keys, 1) @ params.w_out + params.b_out

    def step(
        self,
        params: SequenceModelParams,
        state: tuple[Any, ...],
        inputs: Float[Array, "B I"] | Int[Array, " B"],
    ) -> tuple[tuple[Any, ...], Float[Array, "B O"]]:
        """Advance by one step of time, online."""
        state, y = self.stack.step(params.stack, state, self._encode(params, inputs))
        return state, y @ params.w_out + params.b_out

    def _encode(self, params: SequenceModelParams, inputs: Array) -> Float[Array, "*T B E"]:
        if not self.tokens:
            return inputs
        if params.embedding is None:
            return jax.nn.one_hot(inputs, self.input_size, dtype=params.w_out.dtype)
        return params.embedding[inputs]

    def _drop(
        self, values: Float[Array, "T B F"], keys: Shaped[PRNGKeyArray, " B"] | None, place: int
    ) -> Float[Array, "T B F"]:
        if keys is None or self.dropout == 0.0:
            return values
        steps, _, features = values.shape

        def keep(key: PRNGKeyArray) -> Array:
            key = jax.random.fold_in(key, place)
            return jax.random.bernoulli(key, 1.0 - self.dropout, (steps, features))

        kept = jax.vmap(keep, out_axes=1)(keys)
        return jnp.where(kept, values / (1.0 - self.dropout), 0.0)
