"""The everyday names are `Recurrent` over a cell, `compose` and the arguments of the field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax import Bidirectional, Chrono, ForgetBias, Stack, cells
from lstm_jax.nnx import GRU, LSTM, Elman
from lstm_jax.nnx import Recurrent as Module
from tests.layer_cases import INPUTS

XS = jnp.float32(np.random.default_rng(5).normal(size=(2, 5, INPUTS)))
UNIFORM = {"weights": "uniform", "dtype": jnp.bfloat16}


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "made, layer",
    [
        (lambda rngs: LSTM(INPUTS, 3, rngs=rngs), cells.LSTM(3)),
        (
            lambda rngs: LSTM(INPUTS, 3, bias=Chrono(50), **UNIFORM, rngs=rngs),
            cells.LSTM(3, Chrono(50), "uniform", dtype="bfloat16"),
        ),
        (
            lambda rngs: GRU(INPUTS, 3, bias=ForgetBias(2.0), **UNIFORM, layers=2, rngs=rngs),
            Stack((cells.GRU(3, ForgetBias(2.0), "uniform", dtype="bfloat16"),) * 2),
        ),
        (
            lambda rngs: Elman(
                INPUTS, 3, activation="relu", **UNIFORM, bidirectional=True, merge="sum", rngs=rngs
            ),
            Bidirectional(*(cells.Elman(3, "relu", "uniform", dtype="bfloat16"),) * 2, "sum"),
        ),
        (
            lambda rngs: LSTM(
                INPUTS,
                3,
                layers=2,
                bidirectional=True,
                residual=True,
                dropout=0.2,
                deterministic=True,
                rngs=rngs,
            ),
            Stack((Bidirectional(cells.LSTM(3), cells.LSTM(3)),) * 2, residual=True, dropout=0.2),
        ),
    ],
)
def test_is_recurrent_over_the_layer_it_says(made: object, layer: object) -> None:
    module = made(nnx.Rngs(0))
    plain = Module(layer, INPUTS, deterministic=True, rngs=nnx.Rngs(0))
    assert module.settings.layer == layer
    jax.tree.map(np.testing.assert_array_equal, module.params, plain.params)
    np.testing.assert_array_equal(module(XS), plain(XS))


def test_settings_are_those_of_recurrent() -> None:
    module = LSTM(INPUTS, 3, time_major=True, return_state=True, truncate=2, rngs=nnx.Rngs(0))
    state, ys = module(XS)
    assert (state.c.shape, ys.shape) == ((5, 3), (2, 5, 3))
    assert module.settings.truncate == 2


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'tme_major'"):
        LSTM(INPUTS, 3, tme_major=True, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("size, error", [(0, ValueError), (2.0, TypeError), (True, TypeError)])
@pytest.mark.parametrize("layer", [LSTM, GRU, Elman])
def test_what_is_no_size_is_refused(
    layer: type[Module], size: object, error: type[Exception], bad_input: None
) -> None:
    with pytest.raises(error, match=rf"{layer.__name__}\.hidden_size must be"):
        layer(INPUTS, size, rngs=nnx.Rngs(0))


def test_another_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match=r"LSTM\.dtype is 'float64'; did you mean 'float16'"):
        LSTM(INPUTS, 3, dtype=jnp.float64, rngs=nnx.Rngs(0))
