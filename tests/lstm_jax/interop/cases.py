"""What interop is compared on: every framework with every cell and layer that it has.

`CASES` names them as "framework cell", and `tests/peers` runs each live. Of `RECORDED` ones there
is a file in `tests/golden`, which `tests/peers/golden.py` made.
"""

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import GRU, LSTM, Bidirectional, Elman, ResetFirstGRU, Stack, interop
from lstm_jax.arguments import shapes
from lstm_jax.cells import LSTMP, Cell, LSTMVariant
from lstm_jax.interop.entries import Arrays, flatten
from lstm_jax.interop.peer import parts, places
from lstm_jax.interop.trees import named
from lstm_jax.layers import Layer, unroll_layer
from tests.tolerances import Tolerance, assert_close

STEPS, BATCH, INPUTS, HIDDEN = 7, 2, 2, 3


class Case(NamedTuple):
    """A layer, how it is converted, and what of it the framework does not have or give."""

    layer: Cell | Layer
    read: Callable[..., Any]
    write: Callable[..., Any]
    options: Mapping[str, bool] = MappingProxyType({})
    zero: tuple[str, ...] = ()
    final: bool = True

    def from_theirs(self, entries: Any) -> Any:
        return self.read(self.layer, entries, **self.options)

    def to_theirs(self, params: Any) -> Any:
        return self.write(self.layer, params, **self.options)


class Result(NamedTuple):
    """What a layer gives and learns: outputs, final states by cell, gradients."""

    ys: Any
    final: list[dict[str, Any]]
    d_xs: Any
    d_weights: Any


torch, keras, nnx, linen, haiku, equinox = (
    functools.partial(
        Case, read=getattr(interop, f"from_{name}"), write=getattr(interop, f"to_{name}")
    )
    for name in ("torch", "keras", "nnx", "linen", "haiku", "equinox")
)

LSTM_, GRU_, TANH, RELU = LSTM(HIDDEN), GRU(HIDDEN), Elman(HIDDEN), Elman(HIDDEN, "relu")
NO_BIAS: dict[str, Any] = {"options": {"bias": False}, "zero": ("b", "b_u")}
STACK = Stack((LSTM(4), LSTM(HIDDEN), GRU(2), LSTM(HIDDEN)))
BOTH_WAYS = Bidirectional(LSTM(HIDDEN), GRU(2))
DEEP = Stack((GRU(2), Bidirectional(LSTM(HIDDEN), LSTM(HIDDEN)), LSTM(4)))


def twice(cell: Cell) -> Stack:
    return Stack((Bidirectional(cell, cell), Bidirectional(cell, cell)))


CASES: dict[str, Case] = {
    "torch lstm": torch(LSTM_),
    "torch lstm without bias": torch(LSTM_, **NO_BIAS),
    "torch lstm deep": torch(Stack((LSTM_, LSTM_, LSTM_))),
    "torch lstm both ways": torch(Bidirectional(LSTM_, LSTM_)),
    "torch lstm deep both ways": torch(twice(LSTM_)),
    "torch lstm projected": torch(LSTMP(HIDDEN, projection_size=2)),
    "torch lstm projected deep both ways": torch(twice(LSTMVariant(HIDDEN, projection_size=2))),
    "torch gru": torch(GRU_),
    "torch gru without bias": torch(GRU_, **NO_BIAS),
    "torch gru deep both ways": torch(twice(GRU_)),
    "torch rnn tanh": torch(TANH),
    "torch rnn relu": torch(RELU),
    "torch rnn deep both ways": torch(twice(TANH)),
    "keras lstm": keras(LSTMVariant(HIDDEN)),
    "keras lstm without bias": keras(LSTM_, **NO_BIAS),
    "keras gru": keras(GRU_),
    "keras gru without bias": keras(GRU_, **NO_BIAS),
    "keras gru reset first": keras(ResetFirstGRU(HIDDEN)),
    "keras rnn tanh": keras(TANH),
    "keras rnn relu": keras(RELU),
    "keras both ways": keras(Bidirectional(LSTM_, GRU_, merge="sum"), final=False),
    "keras deep": keras(DEEP, final=False),
    "nnx lstm": nnx(LSTM_, options={"optimized": False}),
    "nnx lstm optimized": nnx(LSTM_),
    "nnx gru": nnx(GRU_, zero=("b_u",)),
    "nnx rnn tanh": nnx(TANH),
    "nnx both ways": nnx(Bidirectional(LSTM_, TANH), final=False),
    "nnx deep": nnx(DEEP, options={"optimized": False}, zero=("b_u",), final=False),
    "linen lstm": linen(LSTM_),
    "linen lstm optimized": linen(LSTM_),
    "linen gru": linen(GRU_),
    "linen rnn relu": linen(RELU),
    "linen both ways": linen(BOTH_WAYS, final=False),
    "linen deep": linen(DEEP, final=False),
    "haiku lstm": haiku(LSTM_),
    "haiku gru": haiku(ResetFirstGRU(HIDDEN)),
    "haiku rnn relu": haiku(RELU),
    "haiku deep": haiku(Stack((LSTM_, ResetFirstGRU(2), LSTM(2), RELU))),
    "equinox lstm": equinox(LSTM_),
    "equinox lstm without bias": equinox(LSTM_, **NO_BIAS),
    "equinox gru": equinox(GRU_),
    "equinox gru without bias": equinox(GRU_, **NO_BIAS),
}
"""What each framework has; `zero` names our parameters that it has no place for."""


RECORDED = [
    name
    for name in CASES
    if not name.endswith((" deep", " deep both ways", " without bias", "linen both ways"))
    or name == "haiku deep"
]
"""Those of which there are golden numbers: every cell of each framework, and some layers."""

LONG: dict[str, Case] = {"torch lstm": torch(LSTM(4)), "torch gru": torch(GRU(4))}
LONG_SIZES = {"steps": 200, "batch": 1, "inputs": 2}
"""What is recorded over many steps, for ours in float32 beside torch's float64."""

GOLDEN = Path(__file__).parents[2] / "golden"

EXAMPLES: list[str] = re.findall(
    r"```python\n(.*?)```",
    (Path(__file__).parents[3] / "docs" / "interop.md").read_text("utf-8"),
    flags=re.DOTALL,
)
NEEDS_PEERS = re.compile(r"^(import|from) (torch|keras|haiku|equinox)\b", flags=re.MULTILINE)


def precision(name: str) -> str:
    """What a framework computes in; keras, save on TensorFlow, rounds float64 to float32."""
    return "float32" if name.startswith("keras") else "float64"


class Call(NamedTuple):
    """Inputs, and what every number that comes out weighs in the loss."""

    xs: np.ndarray
    d_ys: np.ndarray
    d_final: list[dict[str, np.ndarray]]


def draw_call(
    case: Case, seed: int, steps: int = STEPS, batch: int = BATCH, inputs: int = INPUTS
) -> Call:
    """Random inputs and weights of the loss, float64 of numbers that float32 has."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype("float32").astype("float64")

    d_final = []
    for cell in [place.cell for place in places(case.layer)] if case.final else []:
        d_final.append({"h": normal(batch, cell.output_size)})
        if isinstance(cell, LSTM | LSTMVariant):
            d_final[-1]["c"] = normal(batch, cell.hidden_size)
    return Call(normal(steps, batch, inputs), normal(steps, batch, case.layer.output_size), d_final)


def draw_entries(like: Any, seed: int, scale: float = 0.5) -> Arrays:
    """Random weights by a framework's own names and shapes, flat; numbers that float32 has."""
    rng = np.random.default_rng(seed)
    flat = {name: np.shape(leaf) for name, leaf in flatten(like).items()}
    return {
        name: rng.normal(scale=scale, size=shape).astype("float32").astype("float64")
        for name, shape in sorted(flat.items())
    }


def draw_params(layer: Cell | Layer, inputs: int = INPUTS, dtype: Any = "float32") -> Any:
    """Random parameters of ours; to draw them with JAX takes a hundred times longer."""
    rng = np.random.default_rng(0)
    like = shapes(layer, inputs)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(dtype), like)


def ours(case: Case, params: Any, call: Call) -> Result:
    """The same by `lstm_jax`, in the dtype of the parameters; h of a cell is what it shows."""
    dtype = jax.tree.leaves(params)[0].dtype
    cells = [place.cell for place in places(case.layer)]

    def run(params: Any, xs: Any) -> Any:
        state, ys = unroll_layer(case.layer, params, xs)
        final = []
        per_cell = zip(cells, parts(case.layer, params), parts(case.layer, state), strict=True)
        for cell, own, after in per_cell if case.final else []:
            final.append({"h": cell.output(own, after)})
            if hasattr(after, "c"):
                final[-1]["c"] = after.c
        return ys, final

    xs, *weights = jax.tree.map(lambda a: a.astype(dtype), tuple(call))
    (ys, final), pull_back = jax.vjp(run, params, xs)
    d_params, d_xs = pull_back(tuple(jax.tree.map(jnp.asarray, weights)))
    return Result(ys, final, d_xs, d_params)


def pulled(case: Case, params: Any, d_entries: Arrays) -> tuple[Any, Any]:
    """The gradient of our parameters of that of theirs; and which of our numbers they have.

    Every number of ours that a framework has stands in one place there, with its sign or the
    other one: numbering ours and converting the numbers tells where.
    """
    leaves, structure = jax.tree.flatten(blank(case, jax.tree.map(np.ones_like, params)))
    ends = np.cumsum([leaf.size for leaf in leaves])
    numbers = [
        np.arange(end - leaf.size + 1, end + 1.0).reshape(leaf.shape) * leaf
        for end, leaf in zip(ends, leaves, strict=True)
    ]
    zeros = jax.tree.unflatten(structure, [np.zeros(leaf.shape) for leaf in leaves])
    there = flatten(case.to_theirs(jax.tree.unflatten(structure, numbers)))
    shift = flatten(case.to_theirs(zeros))
    gradient, seen = np.zeros(ends[-1]), np.zeros(ends[-1], int)
    for name, array in there.items():
        number = np.rint(array - shift[name]).astype(int)
        at = abs(number[number != 0]) - 1
        gradient[at] = np.sign(number[number != 0]) * d_entries[name][number != 0]
        seen[at] += 1
    own = np.concatenate([leaf.ravel() for leaf in leaves]).astype(int)
    assert (seen == own).all()

    def shaped(flat: np.ndarray) -> Any:
        pieces = np.split(flat, ends[:-1])
        back = [p.reshape(leaf.shape) for p, leaf in zip(pieces, leaves, strict=True)]
        return jax.tree.unflatten(structure, back)

    return shaped(gradient), shaped(own)


def blank(case: Case, params: Any) -> Any:
    """Parameters with zeros where the framework has no place for them."""

    def leaf(path: Any, array: np.ndarray) -> np.ndarray:
        return np.zeros_like(array) if getattr(path[-1], "name", "") in case.zero else array

    return jax.tree_util.tree_map_with_path(leaf, params)


def assert_agree(
    case: Case, weights: Arrays, call: Call, theirs: Result, tolerance: Tolerance
) -> None:
    """Outputs, final states and all gradients, ours in float64 of their weights."""
    params = case.from_theirs(weights)
    found = ours(case, params, call)
    assert_close(found[:3], theirs[:3], tolerance)
    d_params, known = pulled(case, params, theirs.d_weights)
    masked = jax.tree.map(lambda a, b: np.asarray(a) * b, found.d_weights, known)
    assert_close(masked, d_params, tolerance)


def distances(case: Case, weights: Arrays, call: Call, theirs: Result) -> dict[str, float]:
    """How far ours in float32 is from theirs: of each array, relative to its largest number."""
    params = jax.tree.map(np.float32, case.from_theirs(weights))
    found = ours(case, params, call)
    d_params, _ = pulled(case, params, theirs.d_weights)
    actual = named(found)
    expected = named(theirs._replace(d_weights=d_params))
    assert actual.keys() == expected.keys()
    return {
        name: float(np.max(abs(np.float64(leaf) - expected[name])) / np.max(abs(expected[name])))
        for name, leaf in actual.items()
    }


def to_float64(tree: Any) -> Any:
    return jax.tree.map(np.float64, tree)
