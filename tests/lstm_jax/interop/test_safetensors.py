from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from lstm_jax import GRU, LSTM, Bidirectional, Stack
from lstm_jax.arguments import shapes
from lstm_jax.cells import CELLS, LSTM1997, LayerNormLSTM, LSTMVariant, Zoneout
from lstm_jax.interop import from_safetensors, to_safetensors
from lstm_jax.interop.trees import named
from lstm_jax.layers import SequenceModel

DTYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64"]

LAYERS = [
    LSTM(3),
    LSTM1997(4, block_size=2),
    LSTMVariant(3, peepholes=True, gate_recurrence=True, projection_size=2),
    Zoneout(LayerNormLSTM(3)),
    Stack((Bidirectional(LSTM(3), GRU(2)), LSTM(4), CELLS["irnn"](2))),
]


def drawn(like: Any, dtype: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(dtype), like)


def bits(params: Any) -> dict[str, Any]:
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in named(params).items()}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_there_and_back_gives_the_same_bits(layer: Any, dtype: Any) -> None:
    params = drawn(shapes(layer, 5), dtype)
    again = from_safetensors(layer, to_safetensors(params))
    assert bits(again) == bits(params)
    assert jax.tree.structure(again) == jax.tree.structure(params)
    assert all(leaf.flags.writeable for leaf in jax.tree.leaves(again))


def test_the_file_is_the_formats_own() -> None:
    params = drawn(shapes(LAYERS[-1], 5), "float32")
    read = safetensors.numpy.load(to_safetensors(params))
    assert {name: leaf.tobytes() for name, leaf in read.items()} == {
        name: leaf.tobytes() for name, leaf in named(params).items()
    }


def test_any_tree_is_read_by_its_likeness() -> None:
    model = SequenceModel(Stack((LSTM(3),)), 4, 2, tokens=True, embedding_size=5)
    like = jax.eval_shape(model.init, jax.random.key(0))
    params = drawn(like, "float32")
    again = from_safetensors(like, to_safetensors(params))
    assert bits(again) == bits(params)
    with pytest.raises(ValueError, match=r"(?s)missing: b_out, .*extra: b\b"):
        from_safetensors(like, to_safetensors({"b": params.b_out}))


def test_a_likeness_may_have_several_dtypes() -> None:
    like = drawn(shapes(LSTM(3), 2), "float32")
    params = like._replace(w_x=like.w_x.astype(ml_dtypes.bfloat16))
    assert bits(from_safetensors(params, to_safetensors(params))) == bits(params)
    with pytest.raises(TypeError, match="all must be of one dtype"):
        from_safetensors(LSTM(3), to_safetensors(params))


def test_another_dtype_than_that_of_the_likeness_is_refused() -> None:
    params = drawn(shapes(LSTM(3), 2), "float32")
    with pytest.raises(TypeError, match="w_x must be float32, got float16, w_h must be float32"):
        from_safetensors(params, to_safetensors(jax.tree.map(np.float16, params)))


def test_a_layer_that_does_not_fit_is_refused() -> None:
    data = to_safetensors(drawn(shapes(LSTM(3), 2), "float32"))
    with pytest.raises(ValueError, match="the tensors do not fit GRU") as caught:
        from_safetensors(GRU(3), data)
    message = str(caught.value)
    assert "missing: b_u, shape (3,)" in message
    assert "misshapen: w_x must have shape (2, 9), got (2, 12)" in message


def test_integers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"weights must be float64, .*: a is int32, c is bool"):
        to_safetensors({"a": np.ones(2, "int32"), "b": np.ones(2), "c": np.ones(2, bool)})
    data = safetensors.numpy.save({"w_x": np.ones(2, "int32")})
    with pytest.raises(TypeError, match=r"weights must be F64, .*: w_x is I32"):
        from_safetensors(LSTM(3), data)


@pytest.mark.parametrize("data", [b"", b"no tensors", b"\xff" * 100])
def test_other_content_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not the content of a safetensors file"):
        from_safetensors(LSTM(3), data)
