"""Jacobians and exponents of recurrences that are known, and of a reference in NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, LSTM1997, Elman
from lstm_jax.cells import IRNN, ElmanParams
from lstm_jax.diagnostics import lyapunov_spectrum, state_jacobian
from tests.cases import CASES, draw
from tests.lstm_jax.diagnostics.looked_at import REFERENCED, called, in_worlds, slope
from tests.tolerances import CLOSE, assert_close

FACTORS = np.array([0.95, 0.8, 0.5, 0.3])


def linear() -> ElmanParams:
    """A rectified network that stays above zero: h = U h + 20, U turned from a diagonal."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    recurrent = turn @ np.diag(FACTORS) @ turn.T
    return ElmanParams(np.zeros((1, 4)), recurrent, np.full(4, 20.0))


def test_of_a_linear_recurrence(float64: None) -> None:
    cell, params = Elman(4, activation="relu"), linear()
    resting = np.linalg.solve(np.eye(4) - params.w_h.T, params.b)
    assert (resting > 0).all()
    state = cell.initial_state(params, 2)._replace(h=jnp.stack([resting, resting]))
    xs = jnp.zeros((60, 2, 1))
    product = state_jacobian(cell, params, xs[:7], state)
    assert_close(product[1], np.linalg.matrix_power(params.w_h.T, 7), CLOSE["float64"])
    singular = jnp.linalg.svd(product, compute_uv=False)
    assert_close(singular[0], FACTORS**7, CLOSE["float64"])
    exponents = lyapunov_spectrum(cell, params, xs, state, warmup=59)
    np.testing.assert_allclose(exponents, [np.log(FACTORS)] * 2, rtol=1e-5)
    largest = lyapunov_spectrum(cell, params, xs, state, count=2, warmup=59)
    np.testing.assert_allclose(largest, [np.log(FACTORS[:2])] * 2, rtol=1e-5)


def test_of_a_perfect_integrator() -> None:
    """Rectified units with U = I that only ever grow, and memory blocks that nothing feeds."""
    xs = jnp.asarray(np.random.default_rng(0).random((50, 2, 3)), jnp.float32)
    params = ElmanParams(jnp.eye(3), jnp.eye(3), jnp.zeros(3))
    np.testing.assert_allclose(lyapunov_spectrum(IRNN(3), params, xs), 0.0, atol=1e-6)
    cell = LSTM1997(3, fed_back="none")
    exponents = lyapunov_spectrum(cell, cell.init(jax.random.key(0), 3), xs, warmup=1)
    turning = (
        np.log(np.hypot(1, 0.5)) / 49
    )  # h follows c by up to 1/2, by now another than at first
    np.testing.assert_allclose(exponents[:, :3], 0.0, atol=turning)
    assert (np.asarray(exponents[:, 3:]) < -10).all()


def reference_jacobians(case: str, params: Any, xs: np.ndarray) -> list[np.ndarray]:
    """ds_t / ds_(t-1) at every step of one sequence, by complex steps."""
    told, moved = in_worlds(case, params)
    state, found = told.start(), []
    for x in np.float64(xs):
        state, _ = told.forward(moved(state), x[:, None])
        found.append(np.concatenate([slope(part) for part in state.values() if part is not None]))
    return found


@pytest.mark.few(3)
@pytest.mark.parametrize("case", REFERENCED)
def test_are_those_of_the_reference(case: str, float64: None) -> None:
    cell, _ = CASES[case]
    call = draw(cell, dtype="float64", steps=30)
    params, xs = jax.tree.map(jnp.asarray, (call.params, call.xs))
    product = state_jacobian(cell, params, xs[:5])
    exponents = lyapunov_spectrum(cell, params, xs, count=2, warmup=10)
    for b in range(2):
        steps = reference_jacobians(case, call.params, call.xs[:, b])
        assert_close(product[b], np.linalg.multi_dot(steps[:5][::-1]), CLOSE["float64"])
        drawn = jax.random.normal(jax.random.key(0), (len(steps[0]), 2), "float64")
        directions, growth = np.linalg.qr(drawn)[0], []
        for step in steps:
            directions, r = np.linalg.qr(step @ directions)
            growth.append(np.log(np.abs(np.diag(r))))
        expected = np.sort(np.mean(growth[10:], axis=0))[::-1]
        np.testing.assert_allclose(exponents[b], expected, rtol=1e-9)


def test_all_exponents_together_are_the_shrinking_of_volume(float64: None) -> None:
    cell = LSTM(3)
    call = draw(cell, dtype="float64", steps=20)
    params, xs = jax.tree.map(jnp.asarray, (call.params, call.xs))
    exponents = lyapunov_spectrum(cell, params, xs)
    for b in range(2):
        steps = reference_jacobians("lstm", call.params, call.xs[:, b])
        expected = np.mean([np.linalg.slogdet(step)[1] for step in steps])
        np.testing.assert_allclose(exponents[b].sum(), expected, rtol=1e-9)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"count": 0}, r"count must be in 1\.\.6, the numbers of a state, got 0"),
        ({"count": 7}, "got 7"),
        ({"warmup": 11}, r"warmup must be in 0\.\.6, below the steps, got 11"),
        ({"warmup": -1}, "got -1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options: dict[str, int], complaint: str) -> None:
    params, xs, _ = called(LSTM(3))
    with pytest.raises(ValueError, match=complaint):
        lyapunov_spectrum(LSTM(3), params, xs, **options)


def test_inputs_that_do_not_fit_are_refused(bad_input: None) -> None:
    params, xs, _ = called(LSTM(3))
    with pytest.raises(ValueError, match="must have shape"):
        state_jacobian(LSTM(3), params, xs[..., :1])
    with pytest.raises(TypeError, match="cell must be a cell"):
        state_jacobian("lstm", params, xs)  # type: ignore[arg-type]
