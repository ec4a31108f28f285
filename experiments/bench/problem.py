"""What the layers are timed on: a shape, random numbers, and the answer in float64."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import LSTM, unroll
from lstm_jax.checks import Settings, Size

TOLERANCES = {"cpu": 3e-5, "gpu": 2e-2, "tpu": 1e-1}
"""How far outputs and gradients may be from float64, of the largest number of each array. A CPU's
float32 has 24 bits; products of float32 have 11 on a GPU (TF32) and 8 on a TPU (bfloat16) unless
more are asked for. All errors grow over up to 1000 steps."""


class WrongAnswer(Exception):
    """What is to be timed does not compute what the others compute."""


@dataclasses.dataclass(frozen=True)
class Shape(Settings):
    """The sizes of one LSTM layer's work: sequences, steps, inputs and units."""

    B: Size
    T: Size
    I: Size
    H: Size

    def __str__(self) -> str:
        return f"B={self.B} T={self.T} I={self.I} H={self.H}"

    @property
    def forward_flops(self) -> int:
        """8·B·T·H·(I+H): a multiplication and an addition for each weight of four gates."""
        return 8 * self.B * self.T * self.H * (self.I + self.H)

    @property
    def gradient_flops(self) -> int:
        """Those of the outputs, 8·B·T·H·H back through time, 8·B·T·H·(I+H) of the weights."""
        return 2 * self.forward_flops + 8 * self.B * self.T * self.H * self.H


SHAPES = (
    Shape(32, 96, 2, 128),
    Shape(64, 192, 64, 256),
    Shape(128, 784, 1, 128),
    Shape(32, 96, 512, 512),
    Shape(20, 1000, 4, 64),
    Shape(32, 1000, 2, 8),
    Shape(1, 1000, 2, 4),
)


def parse_shape(text: str) -> Shape:
    """A shape from "B,T,I,H"; ValueError for what is none.

    >>> parse_shape("32,96,2,128")
    Shape(B=32, T=96, I=2, H=128)
    """
    try:
        sizes = [int(size) for size in text.split(",")]
        B, T, I, H = sizes
    except ValueError:
        raise ValueError(
            f"a shape is four integers B,T,I,H such as 32,96,2,128; got {text!r}"
        ) from None
    return Shape(B, T, I, H)


class Problem(NamedTuple):
    """An LSTM, its weights and inputs in float32, and what comes of them in float64.

    The loss is the sum of all outputs (T, B, H), each times its random number of `weights`.
    """

    cell: LSTM
    params: Any
    xs: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    gradient: Any


def draw(shape: Shape, seed: int = 0) -> Problem:
    """Normal inputs, and weights within 1/sqrt(H) as torch draws them; no bias is zero."""
    rng = np.random.default_rng(seed)
    cell = LSTM(shape.H)
    like = jax.eval_shape(lambda key: cell.init(key, shape.I), jax.random.key(0))
    bound = shape.H**-0.5
    params = jax.tree.map(lambda a: np.float32(rng.uniform(-bound, bound, a.shape)), like)
    xs = rng.normal(size=(shape.T, shape.B, shape.I)).astype("float32")
    weights = rng.normal(size=(shape.T, shape.B, shape.H)).astype("float32")

    def loss(params: Any, xs: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        ys = unroll(cell, params, xs, executor="scan")[1]
        return (ys * weights).sum(), ys

    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        exact = jax.tree.map(jnp.float64, (params, xs, weights))
        gradient, outputs = jax.tree.map(np.asarray, jax.jit(jax.grad(loss, has_aux=True))(*exact))
    return Problem(cell, params, xs, weights, outputs, gradient)


def distance(found: Any, expected: Any, counted: Any = None) -> float:
    """The largest error of any array of a tree, of the largest number of that array expected.

    Args:
        found: a tree of arrays.
        expected: a tree of the same structure.
        counted: where False, a number is not compared; left out, all are.
    """
    if counted is None:
        counted = jax.tree.map(lambda leaf: np.ones_like(leaf, bool), expected)

    def of_one(found: Any, expected: Any, counted: Any) -> float:
        if np.shape(found) != np.shape(expected):
            raise ValueError(f"an array of shape {np.shape(found)} is no {np.shape(expected)}")
        found, expected = np.asarray(found)[counted], np.asarray(expected)[counted]
        worst = float(np.max(abs(found - expected), initial=0.0))
        return worst / float(np.max(abs(expected), initial=1e-30))

    errors = jax.tree.leaves(jax.tree.map(of_one, found, expected, counted))
    return float(np.max(errors))  # NaN where there is one, unlike max()
