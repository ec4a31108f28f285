"""Every tolerance of the core's tests, with its reason. None is loosened to pass."""

from typing import Any, NamedTuple

import chex
import jax
import numpy as np


class Tolerance(NamedTuple):
    """|actual - expected| <= absolute + relative * |expected|."""

    relative: float
    absolute: float


CLOSE = {
    "float32": Tolerance(relative=1e-5, absolute=1e-5),
    "float64": Tolerance(relative=1e-13, absolute=1e-13),
}
"""The same numbers computed in another way, in each dtype that the conformance table runs.

A number of order 1 here ends some thousand roundings of 2**-24 or 2**-53, which add up as their
square root and are stretched by the recurrence: measured over 60 draws, at most 3e-6 and 5e-15.
bfloat16 joins the conformance table with a row here.
"""

FINITE_DIFFERENCE = Tolerance(relative=1e-7, absolute=1e-8)
"""Central differences in float64 with steps of 1e-5: a truncation of 1e-10 times a third
derivative of order 1 to 10, and a rounding of 2**-53 / 1e-5 = 1e-11 times a sum of 100 terms."""

KOLMOGOROV = 1.63
"""Distance of an empirical distribution from the true one, times the root of the sample size:
exceeded in 1 of 100 samples; ours has a fixed key."""


def assert_close(actual: Any, expected: Any, tolerance: Tolerance) -> None:
    """Compare two trees in float64; a NamedTuple stands for a dict by its fields."""
    relative, absolute = tolerance
    actual, expected = (jax.tree.map(np.float64, by_name(tree)) for tree in (actual, expected))
    chex.assert_trees_all_close(actual, expected, rtol=relative, atol=absolute)


def by_name(tree: Any) -> Any:
    if isinstance(tree, tuple):
        parts = map(by_name, tree)
        return (
            dict(zip(tree._fields, parts, strict=True)) if hasattr(tree, "_fields") else (*parts,)
        )
    return tree
