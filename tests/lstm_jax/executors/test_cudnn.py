"""What the cudnn executor serves gives what the reference gives; the rest it refuses, and why.

Without a GPU the call is answered by JAX's own reference of it (`tests/cudnn_stand_in.py`).
"""

import functools
from collections.abc import Iterator
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, LearnedState, choose_executor, unroll
from lstm_jax.cells import Cell
from lstm_jax.executors import EXECUTORS, Cudnn, Inputs, Request, compiling_for, cudnn
from lstm_jax.unroll import _run
from tests import reference
from tests.cases import CASES, Call, cotangents, draw, outputs_and_gradients
from tests.cudnn_stand_in import cudnn_or_stand_in
from tests.tolerances import CLOSE, assert_close

CELL, _ = CASES["lstm"]
HERE = jax.default_backend()

without_gpu = pytest.mark.skipif(HERE == "gpu", reason="there is a GPU")
given_cudnn = pytest.mark.usefixtures("calls")


@pytest.fixture
def calls() -> Iterator[list[tuple]]:
    """The settings of every call that is traced."""
    with cudnn_or_stand_in() as calls:
        yield calls


def values_and_gradients(call: Call, weights: Any, executor: str = "cudnn", **options: Any) -> Any:
    run = functools.partial(outputs_and_gradients, cell=CELL, executor=executor, **options)
    return jax.jit(run)(call, weights)


@given_cudnn
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "options",
    [{"state", "lengths", "reverse"}, set(), {"state"}, {"lengths"}, {"reverse"}],
    ids=lambda options: " ".join(sorted(options)) or "plain",
)
def test_values_and_gradients(options: set[str]) -> None:
    """Lengths include 0 and T, and every number returned has a cotangent."""
    call = draw(CELL, options)
    weights = cotangents(CELL, call)
    found = values_and_gradients(call, weights, reverse="reverse" in options)
    results, pull_back = reference.unroll(*CASES["lstm"], *call, reverse="reverse" in options)
    assert_close(found, (results, pull_back(*weights)), CLOSE["float32"])


@given_cudnn
def test_all_is_float32_with_64_bits_on() -> None:
    with jax.enable_x64(True):
        call = draw(CELL, {"state", "lengths"})
        weights = cotangents(CELL, call)
        call = call._replace(lengths=np.int64(call.lengths))
        found = jax.eval_shape(values_and_gradients, call, weights)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {"float32"}


@given_cudnn
@pytest.mark.few(1)
@pytest.mark.parametrize("rubbish", [np.nan, np.inf])
def test_an_empty_sequence_keeps_its_state_and_teaches_nothing(rubbish: float) -> None:
    """Whatever its state and the padding hold: the others do not notice."""
    call = draw(CELL, {"state", "lengths"})
    empty, padding = call.lengths == 0, np.arange(len(call.xs))[:, None] >= call.lengths
    weights = cotangents(CELL, call)
    clean = values_and_gradients(call, weights)
    spoil = np.float32(rubbish)
    state = jax.tree.map(lambda leaf: np.where(empty[:, None], spoil, leaf), call.state)
    xs = np.where(padding[..., None], spoil, call.xs)
    (final, ys), gradients = values_and_gradients(call._replace(state=state, xs=xs), weights)
    chex.assert_trees_all_equal(gradients, clean[1])
    np.testing.assert_array_equal(ys, clean[0][1])
    for end, start in zip(final, state, strict=True):
        np.testing.assert_array_equal(end[empty], start[empty])
    _, d_xs, d_state = gradients
    assert padding.any()
    assert not np.asarray(d_xs)[padding].any()
    for found, given in zip(d_state, weights[0], strict=True):
        np.testing.assert_array_equal(found[empty], given[empty])


@given_cudnn
def test_sequences_that_are_all_empty() -> None:
    call = draw(CELL, {"state", "lengths"})
    call = call._replace(lengths=np.zeros_like(call.lengths))
    weights = cotangents(CELL, call)
    (final, ys), (d_params, d_xs, d_state) = values_and_gradients(call, weights)
    chex.assert_trees_all_equal((final, d_state), (call.state, weights[0]))
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves((ys, d_params, d_xs)))


@given_cudnn
def test_parameters_in_few_bits_are_computed_with_in_float32() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL))
    few = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), call.params)
    found, expected = (
        unroll(CELL, few, call.xs, executor=executor) for executor in ("cudnn", "scan")
    )
    assert_close(found, expected, CLOSE["float32"])


@without_gpu
@pytest.mark.parametrize(
    "asked, products",
    [
        (None, jax.lax.Precision.HIGH),
        ("default", jax.lax.Precision.HIGH),
        ("tensorfloat32", jax.lax.Precision.HIGH),
        ("float32", jax.lax.Precision.HIGHEST),
        ("F32_F32_F32", jax.lax.Precision.HIGHEST),
    ],
)
def test_products_are_as_precise_as_jax_is_asked_for(
    asked: str | None, products: jax.lax.Precision, calls: list[tuple]
) -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL, steps=2))
    _run.clear_cache()  # what was traced before is not traced again
    with jax.default_matmul_precision(asked):
        jax.eval_shape(lambda: unroll(CELL, call.params, call.xs, executor="cudnn"))
    assert [settings[-1] for settings in calls] == [products]


class Leaky(LSTM):
    """An LSTM in its settings, and another step."""


def of(cell: Cell, xs: Any = None, **inputs: Any) -> Request:
    xs = jax.ShapeDtypeStruct((5, 3, 2), "float32") if xs is None else xs
    return Request(cell, "gpu", Inputs(xs, **inputs))


@given_cudnn
@pytest.mark.parametrize(
    "request_, reason",
    [
        (of(GRU(3)), r"it computes plain LSTM only, not GRU(hidden_size=3)"),
        (of(LearnedState(LSTM(3))), "plain LSTM only, not LearnedState(cell=LSTM(hidden_size=3))"),
        (of(Leaky(3)), "it computes plain LSTM only, not Leaky(hidden_size=3)"),
        (of(LSTM(3, dtype="bfloat16")), "products are TensorFloat-32 or float32, not bfloat16"),
        (of(LSTM(3, dtype="float16")), "products are TensorFloat-32 or float32, not float16"),
        (of(LSTM(3), jax.ShapeDtypeStruct((5, 3, 2), "float64")), "float32 alone, not float64"),
        (of(LSTM(3), resets=jax.ShapeDtypeStruct((5, 3), bool)), "it has no resets"),
        (of(LSTM(3), jax.ShapeDtypeStruct((0, 3, 2), "float32")), "xs (T, B, I) is (0, 3, 2)"),
        (of(LSTM(3), jax.ShapeDtypeStruct((5, 0, 2), "float32")), "xs (T, B, I) is (5, 0, 2)"),
        (of(LSTM(3))._replace(platform="tpu"), "it needs an NVIDIA GPU; this is tpu"),
    ],
    ids=lambda given: None if isinstance(given, Request) else given,
)
def test_what_it_cannot_do_is_refused_with_the_reason(request_: Request, reason: str) -> None:
    assert reason in str(Cudnn().unsupported(request_))
    assert Cudnn().unsupported(of(LSTM(3))) is None
    assert Cudnn().unsupported(of(LSTM(3, dtype="float32"))) is None


@given_cudnn
def test_products_of_another_kind_are_refused() -> None:
    with jax.default_matmul_precision("BF16_BF16_F32_X9"):
        reason = Cudnn().unsupported(of(LSTM(3)))
    assert "jax_default_matmul_precision is 'BF16_BF16_F32_X9'; 'tensorfloat32'" in str(reason)


@given_cudnn
def test_all_states_are_refused() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL))
    with pytest.raises(ValueError, match=r"'cudnn' cannot return all states: .*executor='fused'"):
        unroll(CELL, call.params, call.xs, executor="cudnn", return_states=True)


@given_cudnn
def test_many_seeds_are_refused() -> None:
    call = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), draw(CELL))

    def run(params: Any, xs: Any) -> Any:
        return unroll(CELL, params, xs, executor="cudnn")

    with pytest.raises(NotImplementedError, match=r"under jax\.vmap, .* use executor='fused' or"):
        jax.jit(jax.vmap(run))(call.params, call.xs)


@given_cudnn
def test_a_jacobian_is_refused() -> None:
    """Which maps the backward pass alone."""
    call = jax.tree.map(jnp.asarray, draw(CELL, steps=2))
    with pytest.raises(NotImplementedError, match=r"under jax\.vmap, .* use executor='fused' or"):
        jax.jacrev(lambda xs: unroll(CELL, call.params, xs, executor="cudnn")[0].h)(call.xs)


@given_cudnn
def test_auto_leaves_it_and_says_why() -> None:
    chosen = choose_executor(CELL)
    assert chosen.name != "cudnn"
    assert chosen.others["cudnn"] == EXECUTORS["cudnn"].drawback
    assert choose_executor(CELL, "cudnn").executor == Cudnn()


@without_gpu
def test_no_gpu() -> None:
    call = jax.tree.map(jnp.asarray, draw(CELL))
    refused = rf"executor 'cudnn' cannot run LSTM\(.*\): it needs an NVIDIA GPU; this is {HERE}"
    with pytest.raises(ValueError, match=refused):
        unroll(CELL, call.params, call.xs, executor="cudnn")
    with (
        compiling_for("gpu"),
        pytest.raises(ValueError, match="cuDNN needs an NVIDIA GPU to compile for one"),
    ):
        unroll(CELL, call.params, call.xs, executor="cudnn")


def test_a_gpu_of_another_make(monkeypatch: pytest.MonkeyPatch) -> None:
    class Backend:
        platform_version = "PJRT C API\nrocm 70000"

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(cudnn, "get_backend", Backend)
    assert Cudnn().unsupported(of(LSTM(3))) == "it needs an NVIDIA GPU; this is one of AMD"
