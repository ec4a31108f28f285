"""Every tolerance of the core's tests, with its reason. None is loosened to pass."""

from typing import Any, NamedTuple

import chex
import jax
import numpy as np


class Tolerance(NamedTuple):
    """|actual - expected| <= absolute + relative * |expected|."""

    relative: float
    absolute: float


class InNorm(NamedTuple):
    """Euclidean norms, each array as a whole: |actual - expected| <= share * |expected|."""

    share: float


CLOSE: dict[str, Tolerance | InNorm] = {
    "bfloat16": InNorm(2**-4),
    "float32": Tolerance(relative=1e-5, absolute=1e-5),
    "float64": Tolerance(relative=1e-13, absolute=1e-13),
}
"""The same numbers computed in another way, in each dtype that the conformance table runs.

A number of order 1 here ends some thousand roundings of 2**-24 or 2**-53, which add up as their
square root and are stretched by the recurrence: measured over 60 draws, at most 3e-6 and 5e-15.

bfloat16 rounds the operands of products alone (`cells/test_base.py`), by up to 2**-8, on the way
back as well. A product of a few such pairs is off by about 2**-8 of its size, and what comes of
it is forgotten or stretched by the recurrence: measured over the table, 1 to 4 times 2**-8, and
10 times for cells that forget little. Single numbers are no measure here, for some are what large
ones have left of each other.
"""

FINITE_DIFFERENCE = Tolerance(relative=1e-8, absolute=1e-9)
"""Central differences of four points in float64 with steps of 1e-4: a truncation of 1e-17 times
a fifth derivative, and a rounding of 2**-53 / 1e-4 = 1e-12 times a sum of 100 terms."""

KOLMOGOROV = 1.63
"""Distance of an empirical distribution from the true one, times the root of the sample size:
exceeded in 1 of 100 samples; ours has a fixed key."""


def assert_close(actual: Any, expected: Any, tolerance: Tolerance | InNorm) -> None:
    """Compare two trees in float64; a NamedTuple stands for a dict by its fields."""
    actual, expected = (jax.tree.map(np.float64, by_name(tree)) for tree in (actual, expected))
    if isinstance(tolerance, Tolerance):
        relative, absolute = tolerance
        chex.assert_trees_all_close(actual, expected, rtol=relative, atol=absolute)
        return
    chex.assert_trees_all_equal_shapes(actual, expected)
    pairs = zip(jax.tree.leaves(actual), jax.tree.leaves_with_path(expected), strict=True)
    for found, (path, wanted) in pairs:
        error, size = np.linalg.norm(found - wanted), np.linalg.norm(wanted)
        assert error <= tolerance.share * size, f"{jax.tree_util.keystr(path)}: {error} of {size}"


def by_name(tree: Any) -> Any:
    if isinstance(tree, tuple):
        parts = map(by_name, tree)
        return (
            dict(zip(tree._fields, parts, strict=True)) if hasattr(tree, "_fields") else (*parts,)
        )
    return tree
