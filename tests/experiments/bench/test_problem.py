import jax
import numpy as np
import pytest

from experiments.bench.problem import SHAPES, Shape, distance, draw, parse_shape

SMALL = Shape(B=3, T=5, I=2, H=4)


def numpy_outputs(params, xs: np.ndarray) -> np.ndarray:
    """The LSTM of the textbook in float64."""
    w_x, w_h, b = (np.float64(leaf) for leaf in params)
    h = c = np.zeros((xs.shape[1], w_h.shape[0]))
    ys = []
    for x in np.float64(xs):
        i, f, g, o = np.split(x @ w_x + h @ w_h + b, 4, axis=-1)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        ys.append(h)
    return np.stack(ys)


def test_the_answer_is_that_of_a_loop_in_float64() -> None:
    problem = draw(SMALL)
    assert problem.outputs.dtype == np.float64
    expected = numpy_outputs(problem.params, problem.xs)
    np.testing.assert_allclose(problem.outputs, expected, rtol=1e-12, atol=1e-14)


def test_the_gradient_is_that_of_the_weighted_sum() -> None:
    problem = draw(SMALL)
    rng = np.random.default_rng(1)
    way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), problem.params)

    def loss(step: float) -> float:
        moved = jax.tree.map(lambda p, w: np.float64(p) + step * w, problem.params, way)
        return float((numpy_outputs(moved, problem.xs) * problem.weights).sum())

    slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
    found = sum(
        float((g * w).sum())
        for g, w in zip(jax.tree.leaves(problem.gradient), jax.tree.leaves(way), strict=True)
    )
    assert found == pytest.approx(slope, rel=1e-7)


def test_no_number_is_zero_and_all_are_float32() -> None:
    problem = draw(SMALL)
    for leaf in jax.tree.leaves((problem.params, problem.xs, problem.weights)):
        assert leaf.dtype == np.float32
        assert (leaf != 0).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_flops_are_two_for_each_weight_and_product(shape: Shape) -> None:
    """Forward every weight once; backward the recurrent ones for h, and all for themselves."""
    of_inputs, of_state = 4 * shape.H * shape.I, 4 * shape.H * shape.H
    steps = 2 * shape.B * shape.T
    assert shape.forward_flops == steps * (of_inputs + of_state)
    assert shape.gradient_flops == steps * (2 * of_inputs + 3 * of_state)


@pytest.mark.parametrize("text", ["32,96,2", "32,96,2,x", "", "1,2,3,4,5", "32 96 2 128"])
def test_what_is_no_shape_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"four integers B,T,I,H .*; got"):
        parse_shape(text)


def test_a_size_of_zero_is_told() -> None:
    with pytest.raises(ValueError, match=r"Shape\.T must be at least 1, got 0"):
        parse_shape("32,0,2,128")


def test_distance_is_of_the_largest_number_of_each_array() -> None:
    expected = {"a": np.array([100.0, -1.0]), "b": np.array([0.1, 0.2])}
    found = {"a": np.array([100.0, -2.0]), "b": np.array([0.1, 0.21])}
    assert distance(found, expected) == pytest.approx(0.05)
    assert distance(expected, expected) == 0


def test_distance_leaves_out_what_is_not_counted() -> None:
    found, expected = {"a": np.array([5.0, 1.0])}, {"a": np.array([1.0, 1.0])}
    assert distance(found, expected, {"a": np.array([False, True])}) == 0
    assert distance(found, expected, {"a": np.array([False, False])}) == 0
    assert distance(found, expected, {"a": np.array([True, True])}) == 4


def test_what_is_not_a_number_is_no_distance() -> None:
    for place in ("a", "b"):
        found = {"a": np.ones(2), "b": np.ones(2)} | {place: np.array([1.0, np.nan])}
        assert np.isnan(distance(found, {"a": np.ones(2), "b": np.ones(2)}))


def test_an_array_of_another_shape_is_no_answer() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 1\) is no \(2,\)"):
        distance([np.ones((2, 1))], [np.ones(2)])
