import dataclasses

import jax
import numpy as np
import pytest

from experiments.bench.entry import JaxLayer, compile_anew, on_devices, on_each
from experiments.bench.problem import Problem, Shape, draw
from lstm_jax import unroll


@pytest.fixture(scope="module")
def problem() -> Problem:
    return draw(Shape(B=4, T=5, I=2, H=3))


def layer(problem: Problem, change=lambda ys: ys, **further) -> JaxLayer:
    def apply(params, xs):
        return change(unroll(problem.cell, params, xs, executor="scan")[1])

    identity = {"by_name": lambda tree: tree, "write": lambda tree: tree}
    fields = {"name": "a layer", "peer": "someone", "weights": problem.params, "apply": apply}
    return JaxLayer(**(fields | identity | further))


def test_one_device_and_all_of_them_compute_the_same(problem: Problem) -> None:
    alone, shared = on_each(layer(problem), problem, jax.devices()[:2])
    assert (alone.runs_on, alone.sharded) == ("1 device", False)
    assert (shared.runs_on, shared.sharded) == ("2 devices", True)
    for entry in (alone, shared):
        found = entry.distances(problem)
        assert found.keys() == {"forward", "gradient"}
        assert 0 < max(found.values()) < 1e-5
        assert min(entry.compile_seconds.values()) > 0
    assert len(shared.forward().sharding.device_set) == 2
    loss, _ = shared.gradient()
    assert float(loss) == pytest.approx((problem.outputs * problem.weights).sum(), rel=1e-4)


def test_a_batch_that_devices_do_not_divide_runs_on_fewer() -> None:
    one = draw(Shape(B=1, T=5, I=2, H=3))
    (entry,) = on_each(layer(one), one, jax.devices()[:2])
    assert (entry.runs_on, entry.sharded) == ("1 device", False)
    assert max(entry.distances(one).values()) < 1e-5


def test_a_layer_may_be_batch_major(problem: Problem) -> None:
    def apply(params, xs):
        return unroll(problem.cell, params, xs.swapaxes(0, 1), executor="scan")[1].swapaxes(0, 1)

    for entry in on_each(layer(problem, apply=apply, batch_axis=0), problem, jax.devices()[:2]):
        assert max(entry.distances(problem).values()) < 1e-5
        assert entry.outputs(entry.forward()).shape == problem.outputs.shape


def test_another_function_is_far_away(problem: Problem) -> None:
    found = on_devices(layer(problem, lambda ys: 1.01 * ys), problem, jax.devices()[:2])
    assert min(found.distances(problem).values()) == pytest.approx(0.01, rel=0.1)


def test_another_gradient_of_the_same_function_is_far_away(problem: Problem) -> None:
    entry = on_devices(layer(problem, jax.lax.stop_gradient), problem, jax.devices()[:1])
    found = entry.distances(problem)
    assert found["forward"] < 1e-5
    assert found["gradient"] == 1.0


def test_entries_that_we_do_not_have_are_not_compared(problem: Problem) -> None:
    """A second bias, beside which ours stands shifted by one."""

    def write(params):
        w_x, w_h, b = params
        return {"w_x": w_x, "w_h": w_h, "b": b - 1, "second": np.zeros_like(b)}

    def by_name(gradient):
        w_x, w_h, b = gradient
        return {"w_x": w_x, "w_h": w_h, "b": b, "second": b}

    entry = on_devices(layer(problem, by_name=by_name, write=write), problem, jax.devices()[:1])
    assert entry.distances(problem)["gradient"] < 1e-5
    wrong = dataclasses.replace(
        entry, by_name=lambda found: by_name(found[1]) | {"b": 0 * found[1].b}
    )
    assert wrong.distances(problem)["gradient"] == 1.0


def test_nothing_is_remembered_when_compiling() -> None:
    traced = []

    def function(x):
        traced.append(x)
        return 2 * x

    for _ in range(2):
        compiled, seconds = compile_anew(function, np.float32(3))
        assert float(compiled(np.float32(4))) == 8
        assert seconds > 0
    assert len(traced) == 2
