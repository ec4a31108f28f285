"""The images that a config's task `digits` is made of."""

import dataclasses
import importlib
import importlib.util

import numpy as np

from experiments.data import Source
from lstm_jax.tasks.images import Images, LabelledImages, Reading

BRIGHTEST = 16


@dataclasses.dataclass(frozen=True)
class Digits(Reading, Source):
    """Name a handwritten digit whose image of 8 x 8 pixels is read row by row or pixel by pixel.

    The 1797 digits of scikit-learn, which are the test set of Alpaydin & Kaynak 1998 (UCI
    "Optical Recognition of Handwritten Digits"). The fields are those of `Reading`. At most a tenth
    wrong counts as solved: a logistic regression that sees all pixels at once has 9.6% of the last
    fifth of each class wrong, and the nearest neighbour 4.4%. Of a random fifth they have 2 to 4%
    and 1 to 2% wrong, as the last images resemble the others less.
    """

    def load(self) -> Images:
        """The task with its images; ValueError where scikit-learn is not installed."""
        if importlib.util.find_spec("sklearn") is None:
            raise ValueError(
                "task.name: the images of digits come with scikit-learn, which is not installed: "
                "pip install 'lstm_jax[digits]'"
            )
        found = importlib.import_module("sklearn.datasets").load_digits()
        images = LabelledImages(
            (found.images / BRIGHTEST).astype(np.float32), found.target.astype(np.int32)
        )
        return Images(**dataclasses.asdict(self), images=images)
