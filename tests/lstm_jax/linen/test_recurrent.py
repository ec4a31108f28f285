"""The linen module has the numbers of the NNX module, to the last bit: one core."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from lstm_jax import GRU, LSTM, Bidirectional, Stack
from lstm_jax.layers.batch_major import Recurrent as Core
from lstm_jax.layers.names import to_names
from lstm_jax.linen import Recurrent
from lstm_jax.nnx import Recurrent as NNXRecurrent
from tests.layer_cases import BATCH, INPUTS, LAYERS, NOISY, STEPS, draw, expected, weighted
from tests.tolerances import CLOSE, assert_close


def variables(layer: Any) -> dict:
    return {"params": to_names(draw(layer).params)}


@functools.cache
def begun(layer: Any) -> dict:
    """The variables that a module of a layer begins with."""
    module = Recurrent(layer, deterministic=True)
    return jax.jit(module.init)(jax.random.key(0), draw(layer).xs)


@pytest.mark.parametrize("name", ["lstm", "deep"])
def test_equals_the_layer(name: str) -> None:
    layer, call = LAYERS[name], draw(LAYERS[name])
    apply = jax.jit(Recurrent(layer, return_state=True, deterministic=True).apply)
    found = apply(variables(layer), call.xs, call.state, lengths=call.lengths, resets=call.resets)
    assert_close(found, expected(layer), CLOSE["float32"])


@pytest.mark.few(3)
@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_nnx_module(name: str) -> None:
    """Values, and gradients of parameters and inputs."""
    layer, call = LAYERS[name], draw(LAYERS[name])
    made = NNXRecurrent(layer, INPUTS, deterministic=True, rngs=nnx.Rngs(0))
    graph, state, rest = nnx.split(made, nnx.Param, ...)
    nnx.replace_by_pure_dict(state, variables(layer)["params"])

    def ours(params: dict, xs: jax.Array) -> jax.Array:
        module = Recurrent(layer, deterministic=True)
        return weighted(module.apply({"params": params}, xs, lengths=call.lengths))

    def theirs(state: nnx.State, xs: jax.Array) -> jax.Array:
        return weighted(nnx.merge(graph, state, rest)(xs, lengths=call.lengths))

    params = variables(layer)["params"]
    found, (to_params, to_xs) = jax.jit(jax.value_and_grad(ours, (0, 1)))(params, call.xs)
    wanted, (to_state, by_xs) = jax.jit(jax.value_and_grad(theirs, (0, 1)))(state, call.xs)
    given = (wanted, nnx.to_pure_dict(to_state), by_xs)
    jax.tree.map(np.testing.assert_array_equal, (found, to_params, to_xs), given)


@pytest.mark.parametrize("name", ["learned state", "deep", "lstm variant"])
def test_begins_with_the_names_shapes_and_scales_of_the_layer(name: str) -> None:
    params = begun(LAYERS[name])["params"]
    like = to_names(jax.eval_shape(lambda k: LAYERS[name].init(k, INPUTS), jax.random.key(0)))
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, like)


def test_begins_as_a_cell_begins() -> None:
    params = begun(LSTM(3))["params"]
    for gate in np.split(np.asarray(params["w_h"]), 4, axis=1):
        assert_close(gate.T @ gate, np.eye(3), CLOSE["float32"])
    assert params["b"].tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


def test_reverse_and_time_major() -> None:
    layer, call = LAYERS["lstm"], draw(LAYERS["lstm"])
    module = Recurrent(layer, reverse=True, time_major=True, return_state=True)
    final, ys = module.apply(
        variables(layer),
        call.xs.swapaxes(0, 1),
        call.state,
        lengths=call.lengths,
        resets=call.resets.T,
    )
    assert_close((final, ys.swapaxes(0, 1)), expected(layer, reverse=True), CLOSE["float32"])


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NOISY)
def test_noise_in_training_and_none_at_evaluation(name: str) -> None:
    layer, call = NOISY[name], draw(NOISY[name])

    def run(seed: int | None, **settings: bool) -> jax.Array:
        rngs = {} if seed is None else {"dropout": jax.random.key(seed)}
        return Recurrent(layer, **settings).apply(variables(layer), call.xs, rngs=rngs)

    noisy = run(1, deterministic=False)
    np.testing.assert_array_equal(noisy, run(1, deterministic=False))
    assert abs(noisy - run(2, deterministic=False)).max() > 1e-3
    quiet = run(None, deterministic=True)
    np.testing.assert_array_equal(quiet, Core(layer).apply(call.params, call.xs))
    assert abs(noisy - quiet).max() > 1e-3


def test_deterministic_is_given_once() -> None:
    layer, call = NOISY["zoneout"], draw(NOISY["zoneout"])
    once = Recurrent(layer).apply(variables(layer), call.xs, deterministic=True)
    assert once.shape == (BATCH, STEPS, 3)
    with pytest.raises(ValueError, match='"deterministic" must be passed to the constructor or'):
        Recurrent(layer).apply(variables(layer), call.xs)
    with pytest.raises(Exception, match=r"needs PRNG for \"dropout\""):
        Recurrent(layer).apply(variables(layer), call.xs, deterministic=False)


def test_parameters_have_the_dtype_asked_for(float64: None) -> None:
    module = Recurrent(LAYERS["stack"], param_dtype=jnp.float64)
    found = jax.eval_shape(module.init_with_output, jax.random.key(0), jnp.ones((2, 3, INPUTS)))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {"float64"}


def test_parameters_in_bfloat16_compute_in_float32() -> None:
    module = Recurrent(LAYERS["stack"], param_dtype="bfloat16")
    ys, begun = jax.eval_shape(module.init_with_output, jax.random.key(0), jnp.ones((2, 3, INPUTS)))
    assert ys.dtype == "float32"
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(begun)} == {"bfloat16"}


def test_vmap_makes_and_runs_an_ensemble() -> None:
    layer, xs = LAYERS["stack"], draw(LAYERS["stack"]).xs
    ensemble = linen.vmap(
        Recurrent,
        in_axes=None,
        axis_size=3,
        variable_axes={"params": 0},
        split_rngs={"params": True},
    )(layer)
    ys, made = jax.jit(ensemble.init_with_output)(jax.random.key(0), xs)
    one = jax.tree.map(lambda leaf: leaf[1], made)
    assert_close(ys[1], Recurrent(layer).apply(one, xs), CLOSE["float32"])
    assert abs(ys[1] - ys[0]).max() > 1e-3


class Tower(linen.Module):
    """Layers one above the other by `linen.scan`, which lifts what a module draws."""

    @linen.compact
    def __call__(self, xs: jax.Array) -> jax.Array:
        class Block(Recurrent):
            @linen.compact
            def __call__(self, xs: jax.Array, _: None) -> tuple[jax.Array, None]:
                return super().__call__(xs), None

        scan = linen.scan(Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
        return scan(GRU(INPUTS), name="blocks")(xs, None)[0]


def test_scan_over_layers() -> None:
    xs = draw(LAYERS["lstm"]).xs
    ys, made = jax.jit(Tower().init_with_output)(jax.random.key(0), xs)
    weights = made["params"]["blocks"]
    assert weights["w_x"].shape == (3, INPUTS, 3 * INPUTS)
    for number in range(3):
        layer = jax.tree.map(lambda leaf: leaf[number], weights)  # noqa: B023
        xs = Recurrent(GRU(INPUTS)).apply({"params": layer}, xs)
    assert_close(ys, xs, CLOSE["float32"])


def test_weights_come_in_boxes_that_name_their_axes() -> None:
    layer = LSTM(4)
    call = draw(layer)
    plain = begun(layer)
    assert isinstance(plain["params"]["w_x"], jax.Array)
    boxed = Recurrent(layer, sharding=True).init(jax.random.key(0), call.xs)
    spec = linen.get_partition_spec(boxed)["params"]
    assert spec["w_x"] == PartitionSpec("features", "gates")
    assert spec["b"] == PartitionSpec("gates")
    jax.tree.map(np.testing.assert_array_equal, linen.meta.unbox(boxed), plain)
    rules = [("gates", "model"), ("features", None)]
    assert linen.logical_to_mesh(spec, rules)["w_x"] == PartitionSpec(None, "model")
    ys = Recurrent(layer, sharding=True).apply(boxed, call.xs)
    np.testing.assert_array_equal(ys, Recurrent(layer).apply(plain, call.xs))


def test_a_step_over_two_devices_has_the_numbers_of_one() -> None:
    layer = Bidirectional(LSTM(4), GRU(4))
    call = draw(layer)
    module = Recurrent(layer, sharding={"gates": "devices"})

    def loss(given: dict, xs: jax.Array) -> jax.Array:
        return jnp.sum((module.apply(given, xs, lengths=call.lengths) - 0.3) ** 2)

    step = jax.jit(jax.value_and_grad(loss, (0, 1)))
    value, (to_params, to_xs) = step(variables(layer), call.xs)
    boxed = jax.eval_shape(module.init, jax.random.key(0), call.xs)
    mesh = jax.make_mesh((2,), ("devices",), axis_types=(AxisType.Auto,))
    with jax.set_mesh(mesh):
        places = jax.tree.map(
            lambda spec: NamedSharding(mesh, spec), linen.get_partition_spec(boxed)
        )
        spread = jax.device_put(variables(layer), places)
        assert not spread["params"]["forward"]["w_h"].sharding.is_fully_replicated
        found, (by_params, by_xs) = step(spread, call.xs)
    actual = jax.tree.map(np.asarray, (found, by_params, by_xs))
    assert_close(actual, (value, to_params, to_xs), CLOSE["float32"])


@pytest.mark.usual_promotion
def test_learns() -> None:
    """The sum of what came in, a few steps of Adam, one compilation, with dropout."""
    rng = np.random.default_rng(4)
    xs = jnp.float32(rng.normal(size=(8, 12, INPUTS)))
    target = jnp.tanh(jnp.cumsum(xs, axis=1).sum(axis=-1) / 3)
    module = Recurrent(Stack((Bidirectional(LSTM(8), LSTM(8)), GRU(8)), dropout=0.1))
    optimizer, traces = optax.adam(0.03), []

    def loss(given: dict, key: jax.Array) -> jax.Array:
        ys = module.apply(given, xs, deterministic=False, rngs={"dropout": key})
        return jnp.mean((ys.sum(axis=-1) - target) ** 2)

    @jax.jit
    def train(given: dict, state: optax.OptState, key: jax.Array) -> tuple:
        traces.append(1)
        value, gradient = jax.value_and_grad(loss)(given, key)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(given, updates), state, value

    given = module.init(jax.random.key(0), xs, deterministic=True)
    state, losses = optimizer.init(given), []
    for key in jax.random.split(jax.random.key(1), 30):
        given, state, value = train(given, state, key)
        losses.append(float(value))
    assert losses[-1] < 0.5 * losses[0]
    assert len(traces) == 1


def test_another_width_is_refused() -> None:
    layer, call = LAYERS["lstm"], draw(LAYERS["lstm"])
    with pytest.raises(ValueError, match=r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"):
        Recurrent(layer).apply(variables(layer), call.xs[..., :1])


def test_parameters_that_are_not_there_are_missed() -> None:
    layer, call = LAYERS["lstm"], draw(LAYERS["lstm"])
    with pytest.raises(Exception, match='"w_x"'):
        Recurrent(layer).apply({}, call.xs)


def test_reverse_with_both_directions_is_refused() -> None:
    layer, call = LAYERS["bidirectional"], draw(LAYERS["bidirectional"])
    with pytest.raises(ValueError, match=r"Recurrent\.reverse is True but the layer is bidir"):
        Recurrent(layer, reverse=True).apply(variables(layer), call.xs)


def test_the_state_of_another_layer_is_refused() -> None:
    layer, call = LAYERS["lstm"], draw(LAYERS["lstm"])
    with pytest.raises(TypeError, match=r"state must be LSTMState\(c=\(4, 3\), h=\(4, 3\)\), got"):
        Recurrent(layer).apply(variables(layer), call.xs, draw(LAYERS["stack"]).state)
