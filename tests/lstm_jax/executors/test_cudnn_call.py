"""The packed weights against the layout, and the call as it is compiled for a GPU.

That JAX's reference stands in for cuDNN rightly is shown here; what runs through the executor is
`test_cudnn.py`'s to say.
"""

import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import rnn
from jax.interpreters import mlir

from lstm_jax import LSTM, Bidirectional, Stack
from lstm_jax.cells import LSTMParams
from lstm_jax.executors.cudnn_call import Plan, call, pack
from tests.cases import normal
from tests.cudnn_stand_in import by_hand, cudnn_or_stand_in
from tests.tolerances import CLOSE, assert_close

STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 2, 4

PLANS = [
    Plan(INPUTS, HIDDEN, layers, bidirectional, float32=True)
    for layers in (2, 1, 3)
    for bidirectional in (True, False)
]
every_plan = pytest.mark.parametrize(
    "plan", PLANS, ids=lambda plan: f"{plan.layers} layers{' both ways' * plan.bidirectional}"
)


def stack_of(plan: Plan) -> Stack:
    cell = LSTM(plan.hidden_size)
    return Stack((Bidirectional(cell, cell) if plan.bidirectional else cell,) * plan.layers)


def draw(plan: Plan, dtype: str = "float32") -> tuple[Any, tuple]:
    """Parameters of a stack, and what cuDNN is given: lengths in 1..T, T among them."""
    rng = np.random.default_rng(22)
    params = normal(rng, stack_of(plan).param_shapes(INPUTS, dtype), scale=0.7)
    each = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, LSTMParams))
    state = jax.ShapeDtypeStruct((len(each), BATCH, HIDDEN), dtype)
    xs, h, c = normal(rng, (jax.ShapeDtypeStruct((BATCH, STEPS, INPUTS), dtype), state, state))
    arrays = (xs, h, c, pack(each), np.array([3, STEPS, 1], "int32"))
    return jax.tree.map(jnp.asarray, (params, arrays))


@pytest.mark.few(2)
@every_plan
def test_a_loop_over_the_packed_weights_gives_what_a_stack_gives(plan: Plan, float64: None) -> None:
    params, arrays = draw(plan, "float64")
    stack = stack_of(plan)
    xs, h, c, _, lengths = arrays
    like = jax.eval_shape(lambda: stack.initial_state(params, BATCH))
    pairs = [array for both in zip(c, h, strict=True) for array in both]
    state = jax.tree.unflatten(jax.tree.structure(like), pairs)
    finals, ys = stack.unroll(params, xs.swapaxes(0, 1), state, lengths=lengths, executor="scan")
    found, last_h, last_c = by_hand(plan, *arrays)
    assert_close(found.swapaxes(0, 1), ys, CLOSE["float64"])
    last = [array for both in zip(last_c, last_h, strict=True) for array in both]
    assert_close(tuple(last), tuple(jax.tree.leaves(finals)), CLOSE["float64"])


@pytest.mark.few(2)
@every_plan
def test_the_call_reads_the_weights_as_they_are_packed(plan: Plan) -> None:
    _, arrays = draw(plan)
    with cudnn_or_stand_in():
        assert_close(call(plan, *arrays), by_hand(plan, *arrays), CLOSE["float32"])


@every_plan
def test_as_many_weights_as_cudnn_takes(plan: Plan) -> None:
    _, (*_, weights, _) = draw(plan)
    assert weights.shape == (rnn.get_num_params_in_lstm(*plan[:4]),)


def test_every_weight_gets_its_own_gradient_back() -> None:
    """A vector of cotangents is taken apart as JAX takes cuDNN's weights apart."""
    plan = PLANS[0]
    rng = np.random.default_rng(23)
    params, (*_, weights, _) = draw(plan)
    each = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, LSTMParams))
    vector = jnp.asarray(normal(rng, weights))
    (gradients,) = jax.vjp(pack, each)[1](vector)
    w_x, w_h, b_x, _ = rnn.unpack_lstm_weights(vector, *plan[:4])
    for pseudo, found in enumerate(gradients):
        np.testing.assert_array_equal(found.w_x, w_x[pseudo].T)
        np.testing.assert_array_equal(found.w_h, w_h[pseudo].T)
        np.testing.assert_array_equal(found.b, b_x[pseudo])


def total(plan: Plan, *arrays: Any) -> jax.Array:
    return sum(jnp.sum(jnp.sin(result)) for result in call(plan, *arrays))


@pytest.mark.parametrize("mapped", range(4), ids=["xs", "h", "c", "weights"])
@pytest.mark.parametrize("gradient", [False, True], ids=["values", "gradient"])
def test_a_mapped_call_is_refused(mapped: int, gradient: bool) -> None:
    plan = PLANS[-1]
    _, arrays = draw(plan)
    arrays = tuple(jnp.stack([a, a]) if n == mapped else a for n, a in enumerate(arrays))
    run = functools.partial(total, plan)
    axes = tuple(0 if n == mapped else None for n in range(5))
    with (
        cudnn_or_stand_in(),
        pytest.raises(
            NotImplementedError, match=r"'cudnn' cannot run under jax\.vmap, here over 2"
        ),
    ):
        jax.vmap(jax.grad(run, argnums=3) if gradient else run, in_axes=axes)(*arrays)


def test_a_second_derivative_is_refused() -> None:
    plan = PLANS[-1]
    _, arrays = draw(plan)

    def slope(xs: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(jax.grad(functools.partial(total, plan))(xs, *arrays[1:])))

    with (
        cudnn_or_stand_in(),
        pytest.raises(TypeError, match="'cudnn' has first derivatives alone"),
    ):
        jax.grad(slope)(arrays[0])


def test_what_is_the_same_for_all_may_stand_inside_a_map() -> None:
    plan = PLANS[0]
    _, arrays = draw(plan)
    with cudnn_or_stand_in():
        found = jax.vmap(lambda n: n * total(plan, *arrays))(jnp.array([2.0, 3.0]))
        assert_close(found, jnp.array([2.0, 3.0]) * total(plan, *arrays), CLOSE["float32"])


@pytest.fixture
def lowering() -> Iterator[None]:
    """The call can be lowered for CUDA without a GPU, of which its plugin asks the sizes.

    All but these sizes and the opaque settings is what JAX lowers on a GPU.
    """
    gpu_rnn = rnn.gpu_rnn
    plugin = mock.Mock(build_rnn_descriptor=lambda *settings: repr(settings).encode())
    lowered = [
        (rnn.rnn_fwd_p, gpu_rnn._rnn_fwd_lowering, gpu_rnn.cudnn_rnn_lowering),
        (rnn.rnn_bwd_p, gpu_rnn._rnn_bwd_lowering, gpu_rnn.cudnn_rnn_bwd_lowering),
    ]
    sizes = "compute_rnn_workspace_reserve_space_sizes"
    with mock.patch.object(gpu_rnn, sizes, create=True, return_value=(1000, 2000)):
        for primitive, rule, _ in lowered:
            rule = functools.partial(rule, plugin, "cu")
            mlir.register_lowering(primitive, rule, platform="cuda")
        yield
    for primitive, _, rule in lowered:
        mlir.register_lowering(primitive, rule, platform="cuda")
    jax.clear_caches()


@every_plan
def test_all_layers_and_directions_are_one_custom_call_each_way(plan: Plan, lowering: None) -> None:
    _, arrays = draw(plan)
    gradient = jax.jit(jax.grad(functools.partial(total, plan), argnums=(0, 1, 2, 3)))
    lowered = gradient.trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()
    calls = [line for line in lowered.splitlines() if "stablehlo.custom_call" in line]
    assert ["@cudnn_rnn_ffi(" in line for line in calls] == [True, False]
    assert ["@cudnn_rnn_bwd_ffi(" in line for line in calls] == [False, True]
    allow_tf32, sizes = False, "1000, 2000"
    told = f"{INPUTS}, {HIDDEN}, {plan.layers}, {BATCH}, {STEPS}, 0.0, {plan.bidirectional}"
    assert all(f"({told}, {allow_tf32}, {sizes})" in line for line in calls)


def test_without_a_gpu_it_cannot_be_traced() -> None:
    """Why the executor refuses a host without one, whatever it compiles for."""
    if jax.default_backend() == "gpu":
        pytest.skip("there is one")
    _, arrays = draw(PLANS[0])
    with pytest.raises((AttributeError, RuntimeError), match=r"compute_rnn_workspace|gpudnnCreate"):
        jax.eval_shape(functools.partial(total, PLANS[0]), *arrays)
