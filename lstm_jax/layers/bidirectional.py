"""Two cells over the same sequences, one in each direction (Schuster & Paliwal 1997)."""

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lstm_jax import arguments, sequence
from lstm_jax.cells import Cell
from lstm_jax.layers.at_once import unroll_at_once
from lstm_jax.layers.base import Layer
from lstm_jax.noise import Noise
from lstm_jax.unroll import unroll


class BidirectionalParams(NamedTuple):
    """Parameters of the two cells."""

    forward: Any
    backward: Any


class BidirectionalState(NamedTuple):
    """States of the two cells; the backward one's final state is that after step 0."""

    forward: Any
    backward: Any


@dataclasses.dataclass(frozen=True)
class Bidirectional(Layer):
    """One cell forwards and one backwards, each sequence within its own length.

    Args:
        forward, backward: the cells.
        merge: "concat" lays their outputs side by side, "sum" adds them, "none" gives the pair.

    Raises ValueError for a sum of outputs of unequal widths.

    >>> from lstm_jax import GRU, LSTM
    >>> layer = Bidirectional(LSTM(hidden_size=4), GRU(hidden_size=3))
    >>> params = layer.init(jax.random.key(0), input_size=2)
    >>> state, ys = layer.unroll(params, jnp.zeros((10, 5, 2)), lengths=jnp.arange(5))
    >>> ys.shape, state.backward.h.shape
    ((10, 5, 7), (5, 3))
    """

    forward: Cell
    backward: Cell
    merge: Literal["concat", "sum", "none"] = "concat"

    def __post_init__(self) -> None:
        super().__post_init__()
        widths = self.forward.output_size, self.backward.output_size
        if self.merge == "sum" and widths[0] != widths[1]:
            raise ValueError(
                f"Bidirectional.merge is 'sum' but the outputs have widths {widths[0]} and "
                f"{widths[1]}; 'concat' and 'none' take any"
            )

    @property
    def output_size(self) -> int:
        if self.merge == "concat":
            return self.forward.output_size + self.backward.output_size
        if self.merge == "sum":
            return self.forward.output_size
        raise ValueError("Bidirectional.merge is 'none': a pair of outputs has no single width")

    @property
    def draws(self) -> bool:
        return self.forward.draws or self.backward.draws

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> BidirectionalParams:
        forward, backward = jax.random.split(key)
        return BidirectionalParams(
            self.forward.init(forward, input_size, dtype),
            self.backward.init(backward, input_size, dtype),
        )

    def initial_state(self, params: BidirectionalParams, batch_size: int) -> BidirectionalState:
        return BidirectionalState(
            self.forward.initial_state(params.forward, batch_size),
            self.backward.initial_state(params.backward, batch_size),
        )

    def unroll(
        self,
        params: BidirectionalParams,
        xs: Float[Array, "T B I"],
        state: BidirectionalState | None = None,
        *,
        lengths: Shaped[Array, " B"] | None = None,
        resets: Shaped[Array, "T B"] | None = None,
        noise: Noise | None = None,
        **options: Any,
    ) -> Any:
        """Run both cells; arguments, returns and errors as `lstm_jax.unroll`, without `reverse`.

        A reset before step t parts the sequence there for both: backwards, the state is set back
        before step t - 1.
        """
        if options.pop("reverse", False):
            raise ValueError("a bidirectional layer runs both ways; it has no reverse")
        _check_kind("params", params, BidirectionalParams)
        if state is not None:
            _check_kind("state", state, BidirectionalState)
        arguments.check_noise(noise)
        both = unroll_at_once(
            self, (self.forward, self.backward), 2, params, xs, state,
            lengths=lengths, resets=resets, noise=noise, **options,
        )  # fmt: skip
        if both is not None:
            return both[0], self._merged(*jnp.split(both[1], 2, axis=-1))
        before, after = (None, None) if state is None else state
        noises = (None, None) if noise is None else (noise.fold(0), noise.fold(1))
        there = unroll(
            self.forward, params.forward, xs, before,
            lengths=lengths, resets=resets, noise=noises[0], **options,
        )  # fmt: skip
        back = unroll(
            self.backward, params.backward, xs, after,
            lengths=lengths, resets=_backwards(resets, lengths), noise=noises[1], reverse=True,
            **options,
        )  # fmt: skip
        final, ys, *states = zip(there, back, strict=True)
        return (
            BidirectionalState(*final),
            self._merged(*ys),
            *(BidirectionalState(*pair) for pair in states),
        )

    def _merged(self, forward: Array, backward: Array) -> Any:
        if self.merge == "concat":
            return jnp.concatenate([forward, backward], axis=-1)
        return forward + backward if self.merge == "sum" else (forward, backward)


def _check_kind(what: str, given: Any, kind: type) -> None:
    if not isinstance(given, kind):
        raise TypeError(f"{what} must be {kind.__name__}, got {type(given).__name__}")


def _backwards(resets: Any, lengths: Any) -> Array | None:
    """Where the backward cell is set back: before the last step of each part but the last."""
    if resets is None:
        return None
    resets = jnp.asarray(resets)
    if lengths is not None:
        resets = resets & sequence.mask(jnp.asarray(lengths), len(resets))
    return jnp.concatenate([resets[1:], jnp.zeros_like(resets[:1])])
