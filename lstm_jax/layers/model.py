"""A complete sequence model: encode the inputs, run a stack, read every step out.

tokens (T, B) -> embedding or one-hot -> stack -> dense -> logits (T, B, O)
values (T, B, I)                      -> stack -> dense -> predictions (T, B, O)
"""

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Gt
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from lstm_jax.arguments import check_lengths, check_tokens
from lstm_jax.checks import Fraction, Settings, Size
from lstm_jax.executors import Executor
from lstm_jax.layers.stack import Stack
from lstm_jax.noise import Noise, dropped


class SequenceModelParams(NamedTuple):
    """Parameters of a `SequenceModel`; None for what it does not have."""

    embedding: Float[Array, "V E"] | None
    stack: tuple[Any, ...]
    w_out: Float[Array, "H O"]
    b_out: Float[Array, " O"] | None
    w_shortcut: Float[Array, "E O"] | None = None


@dataclasses.dataclass(frozen=True)
class SequenceModel(Settings):
    """A stack of cells between an encoder and a linear readout.

    Args:
        stack: the recurrent layers.
        input_size: width of the inputs, or the number of different tokens.
        output_size: O, the width of the readout.
        tokens: whether inputs are integers (T, B) rather than values (T, B, I). One that is none of
            0..input_size-1 is an error where it is known before anything is computed, and nothing
            but zeros to the stack under `jit`. Past the end of a sequence it may be anything.
        embedding_size: width of a learned embedding; without one tokens are one-hot.
        dropout: share of the stack's inputs and outputs set to zero in training (Zaremba et al.
            2014: never between the steps of a layer).
        readout_bias: whether the readout has one.
        readout_scale: weights and biases of the readout begin in U[-scale, scale], as in
            Hochreiter & Schmidhuber 1997; left out, in N(0, 1/H), and biases at zero.
        shortcut: whether the readout sees the encoded inputs beside the stack.
        executor: as for `lstm_jax.unroll`.
    """

    stack: Stack
    input_size: Size
    output_size: Size
    tokens: bool = False
    embedding_size: Size | None = None
    dropout: Fraction = 0.0
    readout_bias: bool = True
    readout_scale: Annotated[float, Gt(0.0)] | None = None
    shortcut: bool = False
    executor: str | Executor = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding_size is not None and not self.tokens:
            raise ValueError(f"embedding_size={self.embedding_size} but the inputs are not tokens")

    @property
    def draws(self) -> bool:
        """Whether it does something else given noise than without."""
        return self.dropout > 0 or self.stack.draws

    def init(self, key: PRNGKeyArray, dtype: DTypeLike = jnp.float32) -> SequenceModelParams:
        """Draw all parameters."""
        key_e, key_s, key_o = jax.random.split(key, 3)
        encoded_size = self.embedding_size or self.input_size
        embedding = w_shortcut = None
        if self.embedding_size is not None:
            embedding = jax.random.normal(key_e, (self.input_size, self.embedding_size), dtype)
        scale = self.readout_scale

        def weights(key: PRNGKeyArray, *shape: int) -> Array:
            if scale is None:
                return jax.nn.initializers.lecun_normal()(key, shape, dtype)
            return jax.random.uniform(key, shape, dtype, -scale, scale)

        b_out = jnp.zeros(self.output_size, dtype) if self.readout_bias else None
        if self.readout_bias and scale is not None:
            b_out = weights(jax.random.fold_in(key_o, 1), self.output_size)
        if self.shortcut:
            w_shortcut = weights(jax.random.fold_in(key_o, 0), encoded_size, self.output_size)
        return SequenceModelParams(
            embedding=embedding,
            stack=self.stack.init(key_s, encoded_size, dtype),
            w_out=weights(key_o, self.stack.output_size, self.output_size),
            b_out=b_out,
            w_shortcut=w_shortcut,
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
        noise: Noise | None = None,
    ) -> tuple[tuple[Any, ...], Float[Array, "T B O"]]:
        """The final state and what is read out at every step.

        Dropout, and the stack's own regularisers, draw from `noise`; without it they are off.
        Raises ValueError for tokens that are none, where they are known.
        """
        of_inputs, of_stack, of_outputs = (
            (None,) * 3 if noise is None else (noise.fold(n) for n in range(3))
        )
        if self.tokens:
            known = check_lengths(lengths, *inputs.shape[:2])
            check_tokens(inputs, self.input_size, known)
        if self._looks_up(params) and (of_inputs is None or not self.dropout):
            of_layers, xs = self._looked_up(params, inputs)
        else:
            of_layers = params.stack
            xs = dropped(self.encode(params, inputs), self.dropout, of_inputs)
        state, ys = self.stack.unroll(
            of_layers, xs, state, lengths=lengths, noise=of_stack, executor=self.executor
        )
        return state, self.read(params, xs, dropped(ys, self.dropout, of_outputs))

    def step(
        self,
        params: SequenceModelParams,
        state: tuple[Any, ...],
        inputs: Float[Array, "B I"] | Int[Array, " B"],
    ) -> tuple[tuple[Any, ...], Float[Array, "B O"]]:
        """Advance by one step of time, online."""
        if self.tokens:
            check_tokens(inputs, self.input_size)
        x = self.encode(params, inputs)
        state, y = self.stack.step(params.stack, state, x)
        return state, self.read(params, x, y)

    def encode(self, params: SequenceModelParams, inputs: Array) -> Float[Array, "*T B E"]:
        """What the stack sees of the inputs; any leading axes."""
        if not self.tokens:
            return inputs
        if params.embedding is None:
            return jax.nn.one_hot(inputs, self.input_size, dtype=params.w_out.dtype)
        return _rows(jnp.asarray(params.embedding), jnp.asarray(inputs))

    def _looks_up(self, params: SequenceModelParams) -> bool:
        """Whether one-hot tokens are wider than what the lowest layer makes of them."""
        w_x = getattr(params.stack[0], "w_x", None)
        if not self.tokens or self.embedding_size or self.shortcut or w_x is None:
            return False
        return w_x.shape[1] < self.input_size

    def _looked_up(
        self, params: SequenceModelParams, tokens: Int[Array, "T B"]
    ) -> tuple[tuple[Any, ...], Float[Array, "T B Z"]]:
        """What gives the same in far fewer operations: each token's row of w_x as the input, and
        the identity as w_x.
        """
        lowest, *others = params.stack
        identity = jnp.eye(lowest.w_x.shape[1], dtype=lowest.w_x.dtype)
        return (lowest._replace(w_x=identity), *others), _rows(jnp.asarray(lowest.w_x), tokens)

    def read(
        self, params: SequenceModelParams, xs: Float[Array, "*T B E"], ys: Float[Array, "*T B H"]
    ) -> Float[Array, "*T B O"]:
        """What is read out of the stack's outputs, beside the encoded inputs; any leading axes."""
        read = ys @ params.w_out
        if params.w_shortcut is not None:
            read = read + xs @ params.w_shortcut
        return read if params.b_out is None else read + params.b_out


def _rows(table: Float[Array, "V E"], tokens: Int[Array, "*T B"]) -> Float[Array, "*T B E"]:
    """Of each token, and sharded as these; zeros where there is none, as a one-hot vector has."""
    sharding = jax.typeof(tokens).sharding
    return table.at[tokens].get(
        mode="fill",
        fill_value=0,
        wrap_negative_indices=False,
        out_sharding=sharding.spec if sharding.mesh.explicit_axes else None,
    )
