"""The NNX module is its layer with parameters: same numbers, same gradients, and it learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from lstm_jax import GRU, LSTM, Bidirectional, Noise, Stack, Zoneout
from lstm_jax.cells import Cell
from lstm_jax.layers import Layer
from lstm_jax.layers.batch_major import Recurrent as Core
from lstm_jax.layers.names import to_names
from lstm_jax.nnx import Recurrent
from tests.layer_cases import BATCH, INPUTS, LAYERS, NOISY, STEPS, draw, expected, weighted
from tests.tolerances import CLOSE, assert_close

ALL = {**LAYERS, **NOISY}


def module(layer: Cell | Layer | str, **settings) -> Recurrent:
    """A module of a layer, or of one by its name, with the parameters of the random call."""
    layer = ALL[layer] if isinstance(layer, str) else layer
    made = Recurrent(layer, INPUTS, rngs=nnx.Rngs(0), **settings)
    put(made, to_names(draw(layer).params))
    return made


def put(made: Recurrent, names: dict) -> None:
    state = nnx.state(made, nnx.Param)
    places = jax.tree.map(lambda leaf: leaf.sharding, nnx.to_pure_dict(state))
    nnx.replace_by_pure_dict(state, jax.device_put(names, places))
    nnx.update(made, state)


@pytest.mark.few(4)
@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_layer(name: str) -> None:
    made, call = module(name, return_state=True, deterministic=True), draw(LAYERS[name])
    run = nnx.jit(lambda m, xs, s, n, r: m(xs, s, lengths=n, resets=r))
    found = run(made, call.xs, call.state, call.lengths, call.resets)
    assert_close(found, expected(LAYERS[name]), CLOSE["float32"])


def test_reverse_equals_the_layers() -> None:
    made, call = module("lstm", return_state=True, reverse=True), draw(LAYERS["lstm"])
    found = made(call.xs, call.state, lengths=call.lengths, resets=call.resets)
    assert_close(found, expected(LAYERS["lstm"], reverse=True), CLOSE["float32"])


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["lstm variant", "deep", "learned state"])
def test_gradients_equal_the_layers(name: str) -> None:
    layer, call = LAYERS[name], draw(LAYERS[name])

    def loss(made: Recurrent, xs: jax.Array) -> jax.Array:
        return weighted(made(xs, lengths=call.lengths))

    def wanted(params: tuple, xs: jax.Array) -> jax.Array:
        return weighted(Core(layer).apply(params, xs, lengths=call.lengths))

    made = module(name, deterministic=True)
    to_params, to_xs = nnx.jit(nnx.grad(loss, argnums=(0, 1)))(made, call.xs)
    by_params, by_xs = jax.jit(jax.grad(wanted, argnums=(0, 1)))(call.params, call.xs)
    found = nnx.to_pure_dict(to_params), to_xs
    assert_close(found, (to_names(by_params), by_xs), CLOSE["float32"])


def test_time_major_turns_the_axes_alone() -> None:
    xs = draw(LAYERS["pair"]).xs
    batch_major = module("pair")(xs)
    time_major = module("pair", time_major=True)(xs.swapaxes(0, 1))
    for one, other in zip(batch_major, time_major, strict=True):
        np.testing.assert_array_equal(one, other.swapaxes(0, 1))


def test_the_state_carries_a_sequence_on() -> None:
    made, xs = module("deep", return_state=True, deterministic=True), draw(LAYERS["deep"]).xs
    forward = module("stack", return_state=True)
    first, before = forward(xs[:, :4])
    second, after = forward(xs[:, 4:], first)
    whole, ys = forward(xs)
    assert_close((second, before), (whole, ys[:, :4]), CLOSE["float32"])
    assert_close(after, ys[:, 4:], CLOSE["float32"])
    assert made(xs)[0][0].backward.h.shape == (BATCH, 3)


def test_begins_as_the_layer_begins() -> None:
    layer = LAYERS["deep"]
    key = nnx.Rngs(params=3, dropout=0).params()
    found = Recurrent(layer, INPUTS, rngs=nnx.Rngs(params=3, dropout=0)).params
    jax.tree.map(np.testing.assert_array_equal, found, layer.init(key, INPUTS))


def test_parameters_have_the_dtype_asked_for(float64: None) -> None:
    made = Recurrent(LAYERS["stack"], INPUTS, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    state = nnx.state(made, nnx.Param)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} == {"float64"}
    assert made(jnp.ones((2, 3, INPUTS))).dtype == "float64"


def test_parameters_in_bfloat16_compute_in_float32() -> None:
    made = Recurrent(LAYERS["deep"], INPUTS, param_dtype="bfloat16", rngs=nnx.Rngs(0))
    state = nnx.state(made, nnx.Param)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} == {"bfloat16"}
    ys = made(draw(LAYERS["deep"]).xs, deterministic=True)
    assert ys.dtype == "float32"
    widened = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), made.params)
    same = Core(LAYERS["deep"]).apply(widened, draw(LAYERS["deep"]).xs)
    assert_close(ys, same, CLOSE["float32"])


def test_what_is_not_there_has_no_place() -> None:
    graph, state = nnx.split(module("lstm"))
    assert set(state) == {"w_x", "w_h", "b"}
    assert hash(graph) == hash(nnx.split(module("lstm"))[0])
    _, deep = nnx.split(module("deep"), nnx.Param, ...)[:2]
    assert set(deep) == {"layer_0", "layer_1"}


def test_vmap_makes_and_runs_an_ensemble() -> None:
    xs = draw(LAYERS["stack"]).xs

    @nnx.vmap(in_axes=0, out_axes=0)
    def make(key: jax.Array) -> Recurrent:
        return Recurrent(LAYERS["stack"], INPUTS, rngs=nnx.Rngs(key))

    keys = jax.random.split(jax.random.key(0), 3)
    ys = nnx.vmap(lambda made, xs: made(xs), in_axes=(0, None))(make(keys), xs)
    alone = Recurrent(LAYERS["stack"], INPUTS, rngs=nnx.Rngs(keys[1]))(xs)
    assert_close(ys[1], alone, CLOSE["float32"])


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NOISY)
def test_noise_in_training_and_none_at_evaluation(name: str) -> None:
    made, call = module(name), draw(NOISY[name])
    key = jax.random.key(7)
    np.testing.assert_array_equal(
        made(call.xs, rngs=key), Core(NOISY[name]).apply(call.params, call.xs, noise=Noise(key))
    )
    assert abs(made(call.xs) - made(call.xs)).max() > 1e-3
    quiet = made(call.xs, deterministic=True)
    np.testing.assert_array_equal(quiet, Core(NOISY[name]).apply(call.params, call.xs))
    made.eval()
    np.testing.assert_array_equal(made(call.xs), quiet)
    made.train()
    assert abs(made(call.xs) - quiet).max() > 1e-3
    np.testing.assert_array_equal(nnx.view(made, deterministic=True)(call.xs), quiet)


def test_noise_is_drawn_from_the_stream_named_dropout() -> None:
    xs = draw(NOISY["zoneout"]).xs
    runs = [module("zoneout")(xs, rngs=nnx.Rngs(params=n, dropout=5)) for n in (1, 2)]
    np.testing.assert_array_equal(*runs)
    np.testing.assert_array_equal(runs[0], module("zoneout")(xs, rngs=nnx.Rngs(dropout=5).dropout))
    with pytest.raises(KeyError, match="No RngStream named 'dropout'"):
        Recurrent(NOISY["zoneout"], INPUTS, rngs=nnx.Rngs(params=0))


def test_weights_name_their_axes_for_flax() -> None:
    spec = nnx.get_partition_spec(nnx.state(module("stack"), nnx.Param))
    assert spec["layer_0"]["w_x"].get_value() == PartitionSpec("features", "gates")
    assert spec["layer_1"]["b_u"].get_value() == PartitionSpec("gates")
    renamed = nnx.state(module("stack", sharding={"gates": "model"}), nnx.Param)
    spec = nnx.get_partition_spec(renamed)
    assert spec["layer_0"]["w_h"].get_value() == PartitionSpec(None, "model")
    assert "out_sharding" not in module("lstm", sharding=False).w_x.get_metadata()


SPREAD = {
    "lstm": LSTM(4),
    "noisy": Zoneout(LSTM(4), h=0.4),
}
"""Layers whose gates two devices can share."""


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "spread, name, kind",
    [
        ("gates", "lstm", AxisType.Explicit),
        ("batch", "lstm", AxisType.Explicit),
        ("gates", "noisy", AxisType.Auto),
        ("batch", "noisy", AxisType.Auto),
    ],
)
def test_a_step_over_two_devices_has_the_numbers_of_one(
    spread: str, name: str, kind: AxisType
) -> None:
    call = draw(SPREAD[name])
    to = jnp.float32(np.random.default_rng(3).normal(size=(BATCH, 1, 1)))

    def loss(made: Recurrent, xs: jax.Array, lengths: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.sum((made(xs, lengths=lengths, rngs=key) - to) ** 2)

    step = nnx.jit(nnx.value_and_grad(loss, argnums=(0, 1)))
    key = jax.random.key(2)
    value, (to_params, to_xs) = step(module(SPREAD[name]), call.xs, call.lengths, key)
    mesh = jax.make_mesh((2,), ("devices",), axis_types=(kind,))
    with jax.set_mesh(mesh):
        made = module(SPREAD[name], sharding={"gates": "devices" if spread == "gates" else None})
        rows = PartitionSpec("devices" if spread == "batch" else None)
        given = jax.device_put((call.xs, call.lengths), NamedSharding(mesh, rows))
        found, (by_params, by_xs) = step(made, *given, key)
    weight = nnx.to_pure_dict(nnx.state(made, nnx.Param))
    kinds = {leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(weight)}
    assert kinds == {spread == "batch"}
    actual = jax.tree.map(np.asarray, (found, nnx.to_pure_dict(by_params), by_xs))
    assert_close(actual, (value, nnx.to_pure_dict(to_params), to_xs), CLOSE["float32"])


@pytest.mark.usual_promotion
def test_learns() -> None:
    """The sum of what came in, a few steps of Adam, one compilation, with dropout."""
    rng = np.random.default_rng(4)
    xs = jnp.float32(rng.normal(size=(8, 12, INPUTS)))
    target = jnp.tanh(jnp.cumsum(xs, axis=1).sum(axis=-1) / 3)
    layer = Stack((Bidirectional(LSTM(8), LSTM(8)), GRU(8)), dropout=0.1)
    made = Recurrent(layer, INPUTS, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(made, optax.adam(0.03), wrt=nnx.Param)
    traces = []

    def loss(made: Recurrent) -> jax.Array:
        return jnp.mean((made(xs).sum(axis=-1) - target) ** 2)

    @nnx.jit
    def train(made: Recurrent, optimizer: nnx.Optimizer) -> jax.Array:
        traces.append(1)
        value, gradient = nnx.value_and_grad(loss)(made)
        optimizer.update(made, gradient)
        return value

    losses = [float(train(made, optimizer)) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert len(traces) == 1


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"):
        module("lstm")(draw(LAYERS["lstm"]).xs[..., :1])


def test_reverse_with_both_directions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Recurrent\.reverse is True but the layer is bidir"):
        module("deep", reverse=True)


def test_the_state_of_another_layer_is_refused() -> None:
    with pytest.raises(TypeError, match=r"state must be LSTMState\(c=\(4, 3\), h=\(4, 3\)\), got"):
        module("lstm")(draw(LAYERS["lstm"]).xs, draw(LAYERS["stack"]).state)


@pytest.mark.parametrize(
    "given, error, sentence",
    [
        ({"rngs": 0}, TypeError, "rngs must be Rngs, got 0"),
        ({"in_features": 0}, ValueError, "in_features must be at least 1, got 0"),
        ({"in_features": 2.0}, TypeError, r"in_features must be an integer, got 2\.0"),
        ({"deterministic": "no"}, TypeError, "deterministic must be true or false, got 'no'"),
        (
            {"layer": nnx.GRUCell(2, 3, rngs=nnx.Rngs(0))},
            TypeError,
            r"Recurrent\.layer must be Cell or Layer of lstm_jax, such as LSTM\(64\), got GRUCell",
        ),
    ],
)
def test_wrong_arguments(
    given: dict, error: type[Exception], sentence: str, bad_input: None
) -> None:
    with pytest.raises(error, match=sentence):
        Recurrent(**{"layer": LSTM(3), "in_features": INPUTS, "rngs": nnx.Rngs(0), **given})


def test_noise_from_a_number_is_refused(bad_input: None) -> None:
    with pytest.raises(TypeError, match=r"rngs must be nnx\.Rngs, one of its streams or a key"):
        module("zoneout")(draw(NOISY["zoneout"]).xs, rngs=3)


def test_other_settings_are_refused() -> None:
    with pytest.raises(TypeError, match="param_dtype must be a floating-point type"):
        module("lstm", param_dtype="int8")
    with pytest.raises(ValueError, match="unknown axis of the weights 'gate'; did you mean 'gates"):
        module("lstm", sharding={"gate": "model"})
    with pytest.raises(ValueError, match="unknown executor 'scam'; did you mean 'scan'"):
        module("lstm", executor="scam")(jnp.ones((BATCH, STEPS, INPUTS)))
