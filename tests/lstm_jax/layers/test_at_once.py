"""Layers that an executor takes at once give what they give one by one, errors included.

With the cudnn executor, whose call JAX's own reference answers where there is no GPU.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Noise, Stack
from lstm_jax.layers import Layer
from lstm_jax.layers.at_once import AtOnce
from lstm_jax.unroll import _run
from tests.cases import normal
from tests.cudnn_stand_in import cudnn_or_stand_in
from tests.tolerances import CLOSE, assert_close

STEPS, BATCH, INPUTS = 6, 4, 2
LENGTHS = jnp.array([STEPS, 0, 4, 1])

CELL = LSTM(3)
PAIR = Bidirectional(CELL, LSTM(3, weights="identity"))
STACK = Stack((CELL, CELL))
DEEP = Stack((PAIR, PAIR))

pytestmark = pytest.mark.usefixtures("calls")


@pytest.fixture
def calls() -> Iterator[list[tuple]]:
    """The settings of every call of cuDNN that is traced."""
    with cudnn_or_stand_in() as calls:
        yield calls


def draw(layer: Layer) -> tuple[Any, Any, Any]:
    """Random (params, xs, state)."""
    rng = np.random.default_rng(24)
    params = normal(rng, layer.param_shapes(INPUTS), scale=0.7)
    state = normal(rng, jax.eval_shape(lambda: layer.initial_state(params, BATCH)))
    xs = normal(rng, jax.ShapeDtypeStruct((STEPS, BATCH, INPUTS), "float32"))
    return jax.tree.map(jnp.asarray, (params, xs, state))


def traced(calls: list[tuple], layer: Layer, *arrays: Any, **options: Any) -> list[tuple]:
    """The calls of cuDNN in a run: (layers, both ways)."""
    if jax.default_backend() == "gpu":
        pytest.skip("calls are counted where they are stood in for")
    calls.clear()
    _run.clear_cache()  # what was traced before is not traced again
    jax.eval_shape(lambda: layer.unroll(*arrays, executor="cudnn", **options))
    return [(settings[2], settings[4]) for settings in calls]


def values_and_gradients(layer: Layer, executor: str, *arrays: Any, **options: Any) -> Any:
    """((states, ys), gradients of all arrays), with a random cotangent on every number."""

    @jax.jit
    def run(*arrays: Any) -> Any:
        results, pull_back = jax.vjp(
            lambda *arrays: layer.unroll(*arrays, executor=executor, **options), *arrays
        )
        return results, pull_back(normal(np.random.default_rng(25), results))

    return run(*arrays)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "layer, options",
    [
        (STACK, {"lengths": LENGTHS, "reverse": True, "truncate": 3}),
        (DEEP, {"lengths": LENGTHS}),
        (PAIR, {"lengths": LENGTHS}),
        (STACK, {"noise": Noise(jax.random.key(0))}),
        (Bidirectional(CELL, CELL, merge="none"), {"lengths": LENGTHS}),
        (Bidirectional(CELL, CELL, merge="sum"), {}),
        (Stack((CELL,) * 3), {"lengths": LENGTHS}),
        (DEEP, {}),
    ],
)
def test_one_call_gives_what_layers_give_one_by_one(
    layer: Layer, options: dict, calls: list[tuple]
) -> None:
    arrays = draw(layer)
    found = values_and_gradients(layer, "cudnn", *arrays, **options)
    assert_close(found, values_and_gradients(layer, "scan", *arrays, **options), CLOSE["float32"])
    both_ways = not isinstance(layer, Stack) or layer is DEEP
    layers = len(layer.layers) if isinstance(layer, Stack) else 1
    assert traced(calls, layer, *arrays, **options) == [(layers, both_ways)]


@pytest.mark.parametrize("layer", [STACK, DEEP], ids=["one way", "both ways"])
def test_without_a_state_it_begins_at_zeros(layer: Stack) -> None:
    params, xs, _ = draw(layer)
    found, expected = (layer.unroll(params, xs, executor=name) for name in ("cudnn", "scan"))
    assert_close(found, expected, CLOSE["float32"])


@pytest.mark.parametrize(
    "layer, options, expected",
    [
        (Stack((LSTM(3), LSTM(4))), {}, [(1, False)]),
        (Stack((CELL, CELL), residual=True), {}, [(1, False)]),
        (
            Stack((CELL, CELL), dropout=0.5),
            {"noise": Noise(jax.random.key(0))},
            [(1, False)],
        ),
        (Stack((CELL, CELL), dropout=0.5), {}, [(2, False)]),
        (Stack((PAIR, CELL)), {}, [(1, True), (1, False)]),
        (Stack((Bidirectional(CELL, CELL, merge="sum"),) * 2), {}, [(1, True)]),
        (Bidirectional(LSTM(3), LSTM(4)), {}, [(1, False)]),
        (PAIR, {"truncate": 4}, [(1, False)]),
    ],
)
def test_what_cannot_be_one_call_is_several(
    layer: Layer, options: dict, expected: list, calls: list[tuple]
) -> None:
    """Layers that are alike are traced once."""
    assert {*traced(calls, layer, *draw(layer), **options)} == {*expected}


def test_a_state_that_lacks_layers_begins_there_at_zeros() -> None:
    params, xs, state = draw(STACK)
    some = (None, *state[1:])
    found, expected = (STACK.unroll(params, xs, some, executor=name) for name in ("cudnn", "scan"))
    assert_close(found, expected, CLOSE["float32"])


def wrong(layer: Layer, what: str) -> Any:
    """(arguments, options) of a call with a fault."""
    params, xs, state = draw(layer)
    if what == "width":
        return (params, xs[..., :1], state), {}
    if what == "params":
        return (jax.tree.map(lambda leaf: leaf[:-1], params), xs, state), {}
    if what == "state":
        return (params, xs, jax.tree.map(lambda leaf: leaf[1:], state)), {}
    options: dict[str, dict[str, Any]] = {
        "lengths": {"lengths": jnp.array([1, 2])},
        "too long": {"lengths": LENGTHS + 1},
        "truncate": {"truncate": 0},
        "reverse": {"reverse": "yes"},
        "noise": {"noise": Noise(jax.random.key(0), rows=jnp.arange(3))},
        "unknown": {"lenghts": LENGTHS},
    }
    return (params, xs, state), options[what]


@pytest.mark.parametrize(
    "what",
    ["width", "params", "state", "lengths", "too long", "truncate", "reverse", "noise", "unknown"],
)
@pytest.mark.parametrize("layer", [STACK, DEEP, PAIR], ids=["stack", "deep", "pair"])
def test_errors_are_those_of_layers_one_by_one(layer: Layer, what: str, bad_input: None) -> None:
    arrays, options = wrong(layer, what)
    errors = []
    for executor in ("scan", "cudnn"):
        with pytest.raises((TypeError, ValueError)) as caught:
            layer.unroll(*arrays, executor=executor, **options)
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    "layer, options, message",
    [
        (
            Stack((LSTM(3), GRU(3))),
            {},
            r"layer 1: executor 'cudnn' cannot run GRU\(hidden_size=3\)",
        ),
        (STACK, {"resets": jnp.zeros((STEPS, BATCH), bool)}, "layer 0: .*: it has no resets"),
        (DEEP, {"return_states": True}, "layer 0: executor 'cudnn' cannot return all states"),
        (DEEP, {"reverse": True}, "layer 0: a bidirectional layer runs both ways"),
    ],
)
def test_what_no_layer_can_have_is_refused(layer: Layer, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer.unroll(*draw(layer), executor="cudnn", **options)


def test_layers_at_once_have_no_step() -> None:
    params, xs, state = draw(STACK)
    whole = AtOnce((CELL,) * 2, 1, STACK)
    with pytest.raises(TypeError, match="layers at once run whole sequences; they have no step"):
        whole.step(params, state, xs[0])
    with pytest.raises(TypeError, match="they have no step"):
        whole.output(params, state)
    assert (whole.output_size, AtOnce((CELL,) * 4, 2, DEEP).output_size) == (3, 6)
