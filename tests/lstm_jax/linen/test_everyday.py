"""The everyday names of linen are those of NNX: the same layers for the same arguments."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax.linen
import lstm_jax.nnx
from lstm_jax import Chrono, ForgetBias
from tests.layer_cases import INPUTS

XS = jnp.float32(np.random.default_rng(5).normal(size=(2, 5, INPUTS)))
UNIFORM = {"weights": "uniform", "dtype": jnp.bfloat16}


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "name, options",
    [
        ("LSTM", {}),
        ("LSTM", {"bias": Chrono(50), **UNIFORM}),
        ("GRU", {"bias": ForgetBias(2.0), "layers": 2, "residual": True, **UNIFORM}),
        ("Elman", {"activation": "relu", "bidirectional": True, "merge": "sum", **UNIFORM}),
        ("LSTM", {"layers": 2, "bidirectional": True, "dropout": 0.2, "deterministic": True}),
    ],
)
def test_is_the_layer_of_nnx(name: str, options: dict[str, Any]) -> None:
    other = getattr(lstm_jax.nnx, name)(INPUTS, 3, **options, rngs=nnx.Rngs(0))
    params = nnx.to_pure_dict(nnx.state(other, nnx.Param))
    module = getattr(lstm_jax.linen, name)(3, **options)
    assert module.recurrent() == other.settings.layer
    np.testing.assert_array_equal(module.apply({"params": params}, XS), other(XS))


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
@pytest.mark.parametrize("bias", [ForgetBias(2.0), Chrono(50)], ids=["forget", "chrono"])
def test_begins_with_the_bias_asked_for(name: str, bias: ForgetBias | Chrono) -> None:
    module = getattr(lstm_jax.linen, name)(3, bias)
    b = np.asarray(jax.jit(module.init)(jax.random.key(0), XS)["params"]["b"])
    forget = b[3:6]
    if isinstance(bias, ForgetBias):
        assert forget.tolist() == [2.0] * 3
    else:
        assert (forget > 0).all()
    assert not b[6:].any()


def test_settings_are_those_of_recurrent() -> None:
    module = lstm_jax.linen.LSTM(3, time_major=True, return_state=True, truncate=2)
    (state, ys), _ = jax.eval_shape(module.init_with_output, jax.random.key(0), XS)
    assert (state.c.shape, ys.shape) == ((5, 3), (2, 5, 3))


@pytest.mark.parametrize("size, error", [(0, ValueError), (2.0, TypeError), (True, TypeError)])
def test_what_is_no_size_is_refused(size: object, error: type[Exception], bad_input: None) -> None:
    with pytest.raises(error, match=r"LSTM\.hidden_size must be"):
        lstm_jax.linen.LSTM(size).init(jax.random.key(0), XS)


def test_an_argument_that_does_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dropout is 0\.5 but layers is 1"):
        lstm_jax.linen.GRU(3, dropout=0.5).init(jax.random.key(0), XS)
