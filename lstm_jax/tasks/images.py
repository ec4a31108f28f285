"""Images read as sequences: the class of one is asked for when all of it has been read.

    rows        a row is a step: as many steps as rows, with an input for each column
    pixels      a pixel is a step, row by row from the top (Le, Jaitly & Hinton 2015)
    permuted    the same pixels in an order that is drawn once (Le et al. 2015; Arjovsky, Shah &
                Bengio 2016), so that pixels which were neighbours may be far apart

The images are cut once: of every class the last are held out. Training draws from the others.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, Float32, Int, Int32, PRNGKeyArray

from lstm_jax.checks import Fraction, Settings
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, time_major
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of one size and the class of each; equal to others if all their numbers are.

    Args:
        pixels: (N, H, W) float32, brightness from 0 to 1.
        labels: (N,) int32, classes from 0.

    Raises ValueError for arrays that do not belong together, or of no images.
    """

    pixels: Float32[np.ndarray, "N H W"]
    labels: Int32[np.ndarray, " N"]

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.labels.shape != self.pixels.shape[:1]:
            raise ValueError(
                "images must be of shape (N, H, W) and their labels (N,), "
                f"got {self.pixels.shape} and {self.labels.shape}"
            )
        if not self.pixels.size or (least := self.labels.min()) < 0:
            what = f"the label {least}" if self.pixels.size else str(self)
            raise ValueError(f"there must be images, labelled from 0, got {what}")

    @functools.cached_property
    def data(self) -> bytes:
        """All that they are."""
        return repr(self).encode() + self.pixels.tobytes() + self.labels.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelledImages) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        count, height, width = self.pixels.shape
        return f"{count} images of {height} x {width}"


@dataclasses.dataclass(frozen=True)
class Reading(Settings):
    """How images are read, whatever they are.

    Args:
        order: what a step is; see the head of this file.
        permutation: the seed of the order of permuted pixels.
        held_out: share of each class, its last images, that is kept out of training.
        max_error: solved when at most this share of the held-out images is named wrongly.
    """

    order: Literal["rows", "pixels", "permuted"]
    permutation: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    held_out: Annotated[Fraction, Gt(0.0)] = 0.2
    max_error: Annotated[Fraction, Gt(0.0)] = 0.1


@dataclasses.dataclass(frozen=True)
class Images(Reading, SampledTask):
    """Name the class of an image that is read step by step.

    Args:
        images: all of them, with their classes.

    The other fields are those of `Reading`. Raises ValueError where a class has no image on
    either side of the cut.

    >>> pixels = np.linspace(0, 1, 4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3)
    >>> images = LabelledImages(pixels, np.int32([0, 1, 0, 1]))
    >>> task = Images("rows", held_out=0.5, images=images)
    >>> batch = task.test_batch(jax.random.key(0), jnp.int32(0), jnp.arange(2))
    >>> bool((batch.inputs[:, 0] == pixels[2]).all()), batch.targets[-1].tolist()
    (True, [0, 1])
    """

    images: LabelledImages = dataclasses.field(kw_only=True)

    error_name = "share of images wrong"

    def __post_init__(self) -> None:
        super().__post_init__()
        for label in range(self.output_size):
            for part, places in (("training", self.training), ("held-out", self.testing)):
                if label not in self.images.labels[places]:
                    raise ValueError(
                        f"held_out={self.held_out} leaves class {label} without a {part} image "
                        f"of its {(self.images.labels == label).sum()}"
                    )

    @functools.cached_property
    def _is_held_out(self) -> np.ndarray:
        found = np.zeros(len(self.images.labels), bool)
        for label in range(self.output_size):
            places = np.flatnonzero(self.images.labels == label)
            found[places[int(len(places) * (1 - self.held_out)) :]] = True
        return found

    @property
    def training(self) -> Int[np.ndarray, " N"]:
        """The places of the images to train on."""
        return np.flatnonzero(~self._is_held_out)

    @property
    def testing(self) -> Int[np.ndarray, " N"]:
        """The places of the held-out images."""
        return np.flatnonzero(self._is_held_out)

    @functools.cached_property
    def steps(self) -> Float32[np.ndarray, "N T I"]:
        """All images as sequences."""
        pixels = self.images.pixels
        if self.order == "rows":
            return pixels
        series = pixels.reshape(len(pixels), -1, 1)
        if self.order == "pixels":
            return series
        # RandomState, as its numbers are the same in all versions of NumPy (NEP 19)
        return series[:, np.random.RandomState(self.permutation).permutation(series.shape[1])]

    @property
    def data(self) -> bytes:
        return self.images.data

    @property
    def input_size(self) -> int:
        return self.steps.shape[2]

    @functools.cached_property
    def output_size(self) -> int:
        return int(self.images.labels.max()) + 1

    @property
    def answers(self) -> Sequence[str]:
        return [str(label) for label in range(self.output_size)]

    @property
    def lag(self) -> int:
        """The steps of an image, as its first may be what tells."""
        return self.steps.shape[1]

    @functools.cached_property
    def chance(self) -> float:
        """The share of held-out images that are not of the class most common in training."""
        labels = self.images.labels
        commonest = np.bincount(labels[self.training]).argmax()
        return float((labels[self.testing] != commonest).mean())

    @property
    def criterion(self) -> HeldOut:
        return HeldOut(self.max_error)

    @property
    def test_size(self) -> int:
        return len(self.testing)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        return self._read(jnp.asarray(self.training)[integers(key, [len(self.training)])[0]])

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """The held-out images in their order; the last again where there are no more."""
        places = jnp.asarray(self.testing)[jnp.minimum(rows, self.test_size - 1)]
        return time_major(jax.vmap(self._read)(places))

    def _read(self, place: Int[Array, ""]) -> Batch:
        last = jnp.arange(self.lag) == self.lag - 1
        return Batch(
            inputs=jnp.asarray(self.steps)[place],
            targets=jnp.where(last, jnp.asarray(self.images.labels)[place], 0),
            weights=last.astype(jnp.float32),
            lengths=None,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)
