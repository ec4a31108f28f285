"""A batch over devices gives the numbers of one, whoever spreads it, and adds up once.

Over two devices, and over eight with COMPLETE=1.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from lstm_jax import LSTM, Bidirectional, Noise, ResetFirstGRU, Stack, Zoneout, unroll
from lstm_jax.layers import Layer, SequenceModel, unroll_layer
from tests.cases import HIDDEN, SERVING
from tests.tolerances import CLOSE, assert_close

STEPS, BATCH, INPUTS = 12, 16, 3

LAYERS = {
    "lstm": LSTM(HIDDEN),
    "whole step": ResetFirstGRU(HIDDEN),
    "noisy": Zoneout(LSTM(HIDDEN), c=0.3, h=0.2),
    "stack": Stack((Bidirectional(LSTM(HIDDEN), LSTM(HIDDEN)), LSTM(HIDDEN)), dropout=0.2),
}


def problem(layer: Any, executor: str, **options: Any) -> tuple[Any, Any]:
    """A loss of everything that a call returns, and what it is given."""
    rng = np.random.default_rng(5)
    given = (
        layer.init(jax.random.key(0), INPUTS),
        jnp.float32(rng.normal(size=(STEPS, BATCH, INPUTS))),
        jnp.array(rng.integers(0, STEPS + 1, BATCH)),
        jnp.array(rng.random((STEPS, BATCH)) < 0.1),
        jax.random.key(1),
    )
    to = jnp.float32(rng.normal(size=(STEPS, BATCH, 1)))

    def loss(params: Any, xs: Any, lengths: Any, resets: Any, key: Any) -> jax.Array:
        final, ys = unroll_layer(
            layer, params, xs, lengths=lengths, resets=resets, noise=Noise(key),
            executor=executor, **options,
        )  # fmt: skip
        last = sum(leaf.sum() for leaf in jax.tree.leaves(final))
        return jnp.sum((ys - to) ** 2) + last

    return jax.value_and_grad(loss, argnums=(0, 1)), given


def spread(given: Any) -> Any:
    """The same, its sequences over the devices of the mesh in use."""
    params, xs, lengths, resets, key = given
    rows, sequences = PartitionSpec("data"), PartitionSpec(None, "data")
    return (
        params,
        jax.device_put(xs, sequences),
        jax.device_put(lengths, rows),
        jax.device_put(resets, sequences),
        key,
    )


EXPLICIT, AUTO = AxisType.Explicit, AxisType.Auto
CASES = [
    *((name, "auto", EXPLICIT) for name in LAYERS),
    ("lstm", "scan", EXPLICIT),
    ("lstm", "checkpointed", EXPLICIT),
    *((name, "auto", AUTO) for name in LAYERS),
    *((name, "scan", EXPLICIT) for name in LAYERS if name != "lstm"),
]


@pytest.mark.few(5)
@pytest.mark.parametrize("name, executor, kind", CASES)
def test_devices_have_the_numbers_of_one(name: str, executor: str, kind: AxisType) -> None:
    run, given = problem(LAYERS[name], executor)
    expected = jax.jit(run)(*given)
    mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=(kind,))
    with jax.set_mesh(mesh):
        found = jax.jit(run)(*spread(given))
    assert_close(jax.tree.map(np.asarray, found), expected, CLOSE["float32"])


@pytest.mark.parametrize("executor", SERVING)
def test_weight_gradients_are_added_up_once(executor: str) -> None:
    """However long the sequence: no communication within the loops."""
    run, given = problem(LSTM(HIDDEN), executor)
    with jax.set_mesh(jax.make_mesh((jax.device_count(),), ("data",))):
        program = jax.jit(run).lower(*spread(given)).compile().as_text()
    computations = [part for part in program.split("\n\n") if "all-reduce(" in part]
    assert len(computations) == 1
    assert "ENTRY" in computations[0]
    assert "all-gather(" not in program


def test_results_stay_where_their_sequences_are() -> None:
    layer: Layer | LSTM = LSTM(HIDDEN)
    params = layer.init(jax.random.key(0), INPUTS)
    with jax.set_mesh(jax.make_mesh((jax.device_count(),), ("data",))):
        xs = jax.device_put(jnp.ones((STEPS, BATCH, INPUTS)), PartitionSpec(None, "data"))
        final, ys, states = unroll_layer(layer, params, xs, return_states=True)
    assert jax.typeof(final.c).sharding.spec == PartitionSpec("data", None)
    assert jax.typeof(ys).sharding.spec == PartitionSpec(None, "data", None)
    assert jax.typeof(states.h).sharding.spec == PartitionSpec(None, "data", None)


@pytest.mark.skipif(jax.device_count() < 8, reason="eight devices with COMPLETE=1")
def test_two_axes_share_a_batch_and_a_third_splits_the_gates() -> None:
    run, given = problem(LSTM(HIDDEN), "fused")
    expected = jax.jit(run)(*given)
    mesh = jax.make_mesh((2, 2, 2), ("hosts", "data", "model"))
    over = ("hosts", "data")
    with jax.set_mesh(mesh):
        params, xs, lengths, resets, key = given
        params = params._replace(w_h=jax.device_put(params.w_h, PartitionSpec(None, "model")))
        xs = jax.device_put(xs, PartitionSpec(None, over))
        found = jax.jit(run)(params, xs, lengths, resets, key)
    assert_close(jax.tree.map(np.asarray, found), expected, CLOSE["float32"])


@pytest.mark.few(1)
@pytest.mark.parametrize("embedding, hidden", [(None, 1), (2, HIDDEN), (None, HIDDEN)], ids=str)
def test_tokens_are_encoded_where_they_are(embedding: int | None, hidden: int) -> None:
    """By their rows of the weights or of an embedding, and as one-hot vectors."""
    stack = Stack((LSTM(hidden),))
    model = SequenceModel(stack, 5, 2, tokens=True, embedding_size=embedding)
    tokens = jax.random.randint(jax.random.key(1), (STEPS, BATCH), 0, 5)
    run = jax.jit(jax.value_and_grad(lambda params, xs: (model.apply(params, xs)[1] ** 2).sum()))
    params = model.init(jax.random.key(0))
    expected = run(params, tokens)
    with jax.set_mesh(jax.make_mesh((jax.device_count(),), ("data",))):
        found = run(params, jax.device_put(tokens, PartitionSpec(None, "data")))
    assert_close(jax.tree.map(np.asarray, found), expected, CLOSE["float32"])


def test_a_mesh_that_shares_nothing_changes_nothing() -> None:
    run, given = problem(LSTM(HIDDEN), "fused")
    expected = jax.jit(run)(*given)
    with jax.set_mesh(jax.make_mesh((jax.device_count(),), ("data",))):
        found = jax.jit(run)(*given)
    assert_close(jax.tree.map(np.asarray, found), expected, CLOSE["float32"])


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a length beyond the end": (
        {"lengths": jnp.full(BATCH, STEPS + 1)},
        f"lengths must be in 0..{STEPS}, got {STEPS + 1}",
    ),
    "no state": ({"state": 3.0}, "state must be LSTMState"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_refused_as_on_one_device(fault: str) -> None:
    options, message = FAULTS[fault]
    cell = LSTM(HIDDEN)
    params = cell.init(jax.random.key(0), INPUTS)
    with jax.set_mesh(jax.make_mesh((jax.device_count(),), ("data",))):
        xs = jax.device_put(jnp.ones((STEPS, BATCH, INPUTS)), PartitionSpec(None, "data"))
        with pytest.raises((TypeError, ValueError), match=message):
            unroll(cell, params, xs, **options)
