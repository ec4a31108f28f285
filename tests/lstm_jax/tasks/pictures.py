"""Random images for the tests of tasks that read them."""

import numpy as np

from lstm_jax.tasks.images import LabelledImages

CLASSES = 5


def drawn(count: int, height: int, width: int, seed: int = 0) -> LabelledImages:
    """Images of which no two are alike, in five classes that are not equally common."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(0, CLASSES + 1, count), CLASSES - 1)
    return LabelledImages(rng.random((count, height, width), np.float32), labels.astype(np.int32))
