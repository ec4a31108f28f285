"""The two gated recurrent units: what they share, and where they differ."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import Chrono
from lstm_jax.cells import GRU, GRUState, ResetFirstGRU
from tests.cases import draw

BOTH = [GRU, ResetFirstGRU]


@pytest.mark.parametrize("kind", BOTH)
def test_the_update_gate_takes_the_forget_bias(kind: type[GRU] | type[ResetFirstGRU]) -> None:
    b = kind(5, Chrono(100)).init(jax.random.key(0), 2).b
    assert not b[:5].any()
    assert not b[10:].any()
    assert (b[5:10] > 0).all()
    assert (jnp.exp(b[5:10]) < 99).all()


@pytest.mark.parametrize("kind", BOTH)
def test_an_open_update_gate_keeps_the_state(kind: type[GRU] | type[ResetFirstGRU]) -> None:
    cell = kind(3)
    call = draw(cell)
    params = call.params._replace(b=call.params.b + np.repeat(np.float32([0, 100, 0]), 3))
    state = GRUState(jnp.array([[0.3, -2.0, 0.7]]))
    new, output = cell.step(params, state, jnp.array(call.xs[0, :1]))
    np.testing.assert_array_equal(new.h, state.h)
    np.testing.assert_array_equal(output, state.h)


def test_the_forms_agree_where_the_reset_gate_is_open() -> None:
    call = draw(GRU(3))
    w_x, w_h, b, _ = call.params
    open_reset = b + np.repeat(np.float32([100, 0, 0]), 3)
    after = GRU(3).init(jax.random.key(0), 2)._replace(w_x=w_x, w_h=w_h, b=open_reset)
    before = ResetFirstGRU(3).init(jax.random.key(0), 2)._replace(w_x=w_x, w_h=w_h, b=open_reset)
    state, x = GRUState(jnp.array([[0.3, -2.0, 0.7]])), jnp.array(call.xs[0, :1])
    _, one = GRU(3).step(after, state, x)
    _, other = ResetFirstGRU(3).step(before, state, x)
    np.testing.assert_allclose(one, other, rtol=1e-6)
