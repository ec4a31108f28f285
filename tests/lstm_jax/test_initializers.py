"""Each gate has its own square block, and its bias the time scale that was asked for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.initializers import (
    GATE_BIASES,
    Chrono,
    ForgetBias,
    draw_weights,
    orthogonal,
    per_gate,
)
from tests.tolerances import CLOSE, KOLMOGOROV, assert_close

KEY = jax.random.key(7)
UNITS = 4000


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 4)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal_is_orthonormal_along_its_shorter_side(
    shape: tuple[int, int], dtype: str, float64: None
) -> None:
    matrix = np.asarray(orthogonal(KEY, shape, jnp.dtype(dtype)))
    assert matrix.shape == shape
    assert matrix.dtype == dtype
    short = matrix if shape[0] <= shape[1] else matrix.T
    assert_close(short @ short.T, np.eye(min(shape)), CLOSE[dtype])


def test_orthogonal_prefers_no_direction() -> None:
    """Even over all rotations and reflections: each entry has mean 0 and mean square 1/3."""
    keys = jax.random.split(KEY, UNITS)
    matrices = np.asarray(jax.vmap(lambda key: orthogonal(key, (3, 3)))(keys), np.float64)
    for power, mean in [(1, 0), (2, 1 / 3)]:
        moments = matrices**power
        spread = moments.std(axis=0) / np.sqrt(UNITS)
        assert (abs(moments.mean(axis=0) - mean) < 4 * spread).all()
    reflections = np.linalg.det(matrices) < 0
    assert abs(reflections.mean() - 0.5) < 4 * 0.5 / np.sqrt(UNITS)


def test_per_gate_draws_every_block_by_itself() -> None:
    packed = np.asarray(per_gate(orthogonal, KEY, 5, 5, 4, jnp.float32))
    assert packed.shape == (5, 20)
    blocks = np.split(packed, 4, axis=1)
    for block in blocks:
        assert_close(block.T @ block, np.eye(5), CLOSE["float32"])
    apart = [abs(a - b).max() for n, a in enumerate(blocks) for b in blocks[:n]]
    assert min(apart) > 0.1


def test_per_gate_scales_with_the_inputs_of_one_gate() -> None:
    """LeCun's variance is 1/rows, uniform within the root of 3/rows."""
    packed = per_gate(jax.nn.initializers.lecun_uniform(), KEY, 50, 200, 3, jnp.float32)
    assert packed.shape == (50, 600)
    bound = np.sqrt(3 / 50)
    assert 0.99 * bound < abs(packed).max() <= bound


SIZES = {"input_size": 50, "hidden_size": 40}


def test_uniform_weights_are_drawn_as_torch_draws_them() -> None:
    """All within 1/sqrt(H); a bias is the sum of two, and a gate bias comes on top."""
    drawn = draw_weights("uniform", ForgetBias(0.0), KEY, "ifgo", dtype=jnp.float32, **SIZES)
    bound = 40**-0.5
    for weights in (drawn.w_x, drawn.w_h):
        assert 0.99 * bound < abs(weights).max() <= bound
        assert abs(np.var(weights) / (bound**2 / 3) - 1) < 0.05
    assert 1.5 * bound < abs(drawn.b).max() <= 2 * bound
    assert abs(np.var(drawn.b) / (2 * bound**2 / 3) - 1) < 0.3
    lifted = draw_weights("uniform", ForgetBias(1.0), KEY, "ifgo", dtype=jnp.float32, **SIZES)
    assert_close(lifted.b - drawn.b, np.repeat([0.0, 1.0, 0.0, 0.0], 40), CLOSE["float32"])


def test_identity_weights_feed_every_unit_back_to_itself() -> None:
    drawn = draw_weights("identity", None, KEY, "rzn", dtype=jnp.float32, **SIZES)
    np.testing.assert_array_equal(drawn.w_h, np.tile(np.eye(40), 3))
    assert len(np.unique(drawn.w_x)) > 5000
    assert not drawn.b.any()


@pytest.mark.parametrize("kind", ["orthogonal", "identity", "uniform"])
def test_weights_fit_what_feeds_back(kind: Any) -> None:
    drawn = draw_weights(kind, None, KEY, "fg", 5, 4, jnp.float32, feedback_size=3)
    assert [leaf.shape for leaf in drawn] == [(5, 8), (3, 8), (8,)]
    if kind == "orthogonal":
        for block in np.split(np.asarray(drawn.w_h), 2, axis=1):
            assert_close(block @ block.T, np.eye(3), CLOSE["float32"])


def test_biases_go_to_the_gates_that_write_and_keep() -> None:
    drawn = draw_weights("orthogonal", Chrono(100), KEY, "ifgo", dtype=jnp.float32, **SIZES)
    b_i, b_f, b_g, b_o = np.split(np.asarray(drawn.b), 4)
    np.testing.assert_array_equal(b_i, -b_f)
    assert (b_f > 0).all()
    assert not b_g.any()
    assert not b_o.any()
    kept = draw_weights("orthogonal", ForgetBias(2.0), KEY, "rfn", dtype=jnp.float32, **SIZES)
    np.testing.assert_array_equal(kept.b, np.repeat([0.0, 2.0, 0.0], 40))


def test_forget_bias_is_constant_and_leaves_the_input_gate_alone() -> None:
    b_i, b_f = ForgetBias(1.5)(KEY, 4, jnp.float32)
    assert b_i.tolist() == [0.0] * 4
    assert b_f.tolist() == [1.5] * 4
    assert ForgetBias().value == 1.0


def test_chrono_spreads_time_scales_uniformly() -> None:
    """exp(b_f) ~ U[1, t_max - 1], by the largest distance between distribution functions."""
    t_max = 300
    b_i, b_f = Chrono(t_max)(KEY, UNITS, jnp.float32)
    np.testing.assert_array_equal(b_i, -b_f)
    ranks = np.sort((np.exp(b_f) - 1) / (t_max - 2))
    steps = np.arange(UNITS + 1) / UNITS
    distance = max(abs(ranks - steps[:-1]).max(), abs(ranks - steps[1:]).max())
    assert distance < KOLMOGOROV / np.sqrt(UNITS)


@pytest.mark.parametrize(
    "bias", [ForgetBias(1.5), Chrono(300)], ids=lambda bias: type(bias).__name__
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_biases_have_the_dtype_asked_for(bias: Any, dtype: str, float64: None) -> None:
    assert [b.dtype for b in bias(KEY, 3, jnp.dtype(dtype))] == [dtype, dtype]


def test_chrono_without_the_longest_dependency_cannot_draw() -> None:
    with pytest.raises(ValueError, match=r"Chrono\.t_max is not set; give the longest dependency"):
        Chrono()(KEY, 4, jnp.float32)


@pytest.mark.parametrize("t_max", [2, 0, -5])
def test_chrono_needs_three_steps(t_max: int) -> None:
    with pytest.raises(ValueError, match=rf"Chrono\.t_max must be at least 3, got {t_max}"):
        Chrono(t_max)


def test_biases_have_the_names_that_configs_use() -> None:
    assert {"forget": ForgetBias, "chrono": Chrono} == GATE_BIASES
