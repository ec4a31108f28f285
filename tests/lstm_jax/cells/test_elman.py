"""Elman networks: how they begin, and that they forget."""

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax import unroll
from lstm_jax.cells import IRNN, Elman
from tests.cases import draw


def test_irnn_begins_as_the_identity_on_positive_states() -> None:
    params = IRNN(4).init(jax.random.key(0), 2)
    np.testing.assert_array_equal(params.w_h, np.eye(4))
    state = IRNN(4).initial_state(params, 1)._replace(h=jnp.array([[0.5, 2.0, 0.0, 5.0]]))
    for _ in range(50):
        state, h = IRNN(4).step(params, state, jnp.zeros((1, 2)))
    np.testing.assert_array_equal(h, [[0.5, 2.0, 0.0, 5.0]])


def test_elman_begins_orthogonal() -> None:
    w_h = Elman(6).init(jax.random.key(0), 2).w_h
    np.testing.assert_allclose(w_h @ w_h.T, np.eye(6), atol=1e-6)


def test_the_gradient_vanishes_with_the_lag() -> None:
    """The bound of Hochreiter 1991: over k steps at most the k-th power of the spectral norm."""
    cell = Elman(3)
    call = draw(cell, steps=41)
    norm = np.linalg.norm(call.params.w_h, 2)
    params = call.params._replace(w_h=0.8 * call.params.w_h / norm)
    start = cell.initial_state(params, 1)

    def last(state: object) -> jax.Array:
        return unroll(cell, params, jnp.array(call.xs[:, :1]), state)[1][-1, 0, 0]

    gradient = jax.grad(last)(start).h
    assert 0 < float(jnp.abs(gradient).max()) <= 0.8**41
