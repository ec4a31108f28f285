"""Text: predict the next character.

A corpus is cut once: its last part is held out, the rest is training text. Training reads the
text as parallel streams that go round and round: row r of the next step continues row r of this
one and the state is carried between them, so the context is longer than the window through
which gradients flow (truncated backpropagation through time).
"""

import dataclasses
import functools
import math
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import Fraction, Size
from lstm_jax.tasks.base import Batch, HeldOut, Scores, Written
from lstm_jax.tasks.scores import cross_entropy, is_wrong, mean_over_time

GOLDEN = (math.sqrt(5) - 1) / 2
SEGMENT = 1024
WARM_UP = 256
"""Held-out text is scored in segments of 1024 characters, each read after 256 of context."""


@dataclasses.dataclass(frozen=True)
class Text(Written):
    """Predict the next character of a text.

    Args:
        corpus: the whole text.
        window: characters per training step and stream, through which gradients flow.
        held_out: share of the corpus, at its end, that is kept out of training.
        target_bits: solved when the held-out text costs at most this many bits per character.

    Raises ValueError for a text that is shorter than a window on either side of the cut.

    >>> text = Text("abracadabra, abracadabra! ", window=4, held_out=0.25, target_bits=1.0)
    >>> batch = text.sample(jax.random.key(0), 1)
    >>> text.decode(batch.inputs[1:, 0]) == text.decode(batch.targets[:-1, 0])
    True
    """

    corpus: str = dataclasses.field(repr=False)
    window: Size
    held_out: Annotated[Fraction, Gt(0.0)]
    target_bits: Annotated[float, Gt(0.0)]

    streams = True
    error_name = "bits per character"

    def __post_init__(self) -> None:
        super().__post_init__()
        cut = self.cut
        for part, size in (("training", cut), ("held-out", len(self.corpus) - cut)):
            if size <= self.window:
                raise ValueError(
                    f"the {part} part of the text has {size} characters; "
                    f"a window of {self.window} needs at least {self.window + 1}"
                )

    @property
    def cut(self) -> int:
        """The number of characters to train on."""
        return int(len(self.corpus) * (1 - self.held_out))

    @functools.cached_property
    def alphabet(self) -> str:
        """Every character of the corpus, in order; a token is a place in it."""
        return "".join(sorted(set(self.corpus)))

    @functools.cached_property
    def codes(self) -> Int[np.ndarray, " N"]:
        """The corpus as tokens."""
        return self.encode(self.corpus)

    def encode(self, text: str) -> Int[np.ndarray, " N"]:
        """The tokens of a text; ValueError for a character that the corpus lacks."""
        tokens = {character: token for token, character in enumerate(self.alphabet)}
        unknown = set(text) - set(tokens)
        if unknown:
            raise ValueError(f"{min(unknown)!r} is not a character of the corpus")
        return np.fromiter((tokens[c] for c in text), np.int32, len(text))

    def decode(self, tokens: Int[Array, " N"] | Int[np.ndarray, " N"]) -> str:
        """The text of some tokens."""
        return "".join(self.alphabet[int(token)] for token in tokens)

    @property
    def data(self) -> bytes:
        return self.corpus.encode()

    @property
    def symbols(self) -> str:
        return self.alphabet

    @property
    def lag(self) -> int:
        return self.window

    @functools.cached_property
    def chance(self) -> float:
        """Bits per held-out character when only the frequencies of characters are known."""
        counts = np.bincount(self.codes[: self.cut], minlength=self.input_size) + 1.0
        return float(-np.log2(counts / counts.sum())[self.codes[self.cut :]].mean())

    @property
    def criterion(self) -> HeldOut:
        return HeldOut(self.target_bits)

    def batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        positions = self.cut - 1  # of a first character whose next one is known
        spread = (
            (rows.astype(jnp.float32) * GOLDEN) % 1.0 * positions
        )  # even, whatever the number of rows
        start = jax.random.randint(key, (), 0, positions) + spread.astype(jnp.int32)
        time = jnp.arange(self.window)[:, None] + step * self.window
        here = (start + time) % positions
        return self._batch(here, jnp.ones(here.shape))

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """Held-out segments, each after a warm-up that does not count."""
        here = self.cut + rows * SEGMENT + jnp.arange(-WARM_UP, SEGMENT)[:, None]
        inside = (here >= self.cut + rows * SEGMENT) & (here < len(self.corpus))
        return self._batch(jnp.maximum(here - 1, 0), inside.astype(jnp.float32))

    @property
    def test_size(self) -> int:
        return -(-(len(self.corpus) - self.cut) // SEGMENT)

    def _batch(self, here: Int[Array, "T B"], weights: Float[Array, "T B"]) -> Batch:
        codes = jnp.asarray(self.codes)
        return Batch(codes[here], codes[here + 1], weights, None)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        loss = mean_over_time(cross_entropy(outputs, batch), batch.weights)
        wrong = is_wrong(outputs, batch) & (batch.weights > 0)
        return Scores(loss=loss, error=loss / math.log(2), correct=~wrong.any(axis=0))
