"""Numbers of layers and directions become layers; an argument that would do nothing is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Bidirectional, Stack
from lstm_jax.layers.compose import compose, product_dtype, storage_dtype

CELL = LSTM(3)


@pytest.mark.parametrize(
    "options, layer",
    [
        ({}, CELL),
        ({"layers": 2}, Stack((CELL, CELL))),
        ({"bidirectional": True, "merge": "sum"}, Bidirectional(CELL, CELL, "sum")),
        (
            {"layers": 2, "bidirectional": True, "residual": True, "dropout": 0.1},
            Stack((Bidirectional(CELL, CELL),) * 2, residual=True, dropout=0.1),
        ),
    ],
)
def test_what_the_arguments_mean(options: dict, layer: object) -> None:
    assert compose(CELL, **options) == layer


@pytest.mark.parametrize(
    "options, error, sentence",
    [
        ({"residual": True}, ValueError, "residual is True but layers is 1"),
        ({"dropout": 0.5}, ValueError, r"dropout is 0\.5 but layers is 1"),
        ({"merge": "sum"}, ValueError, "merge is 'sum' but bidirectional is False"),
        ({"merge": "add", "bidirectional": True}, ValueError, "merge is 'add'; .*known: concat"),
        ({"layers": 0}, ValueError, "layers must be at least 1, got 0"),
        ({"layers": 2.0}, TypeError, r"layers must be an integer, got 2\.0"),
        ({"bidirectional": 1}, TypeError, "bidirectional must be true or false, got 1"),
        ({"layers": 2, "dropout": 1.0}, ValueError, r"Stack\.dropout must be below 1"),
        (
            {"layers": 2, "bidirectional": True, "merge": "none"},
            ValueError,
            "merge is 'none': a pair of outputs has no single width",
        ),
    ],
)
def test_wrong_arguments(
    options: dict, error: type[Exception], sentence: str, bad_input: None
) -> None:
    with pytest.raises(error, match=sentence):
        compose(CELL, **options)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, "bfloat16", np.dtype("bfloat16")])
def test_a_dtype_by_any_name(dtype: object) -> None:
    assert LSTM(3, dtype=product_dtype(dtype)).dtype == "bfloat16"
    assert storage_dtype(dtype) == jnp.bfloat16


@pytest.mark.parametrize("dtype", ["bfloat", jnp.int8, "float64", object(), 16])
def test_a_product_in_another_dtype_is_refused(dtype: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"LSTM\.dtype .*bfloat16'?, '?float16"):
        LSTM(3, dtype=product_dtype(dtype))


@pytest.mark.parametrize("dtype", ["bfloat", jnp.int8, None, 16])
def test_parameters_of_another_dtype_are_refused(dtype: object) -> None:
    with pytest.raises(TypeError, match="param_dtype must be a floating-point type such as"):
        storage_dtype(dtype)
