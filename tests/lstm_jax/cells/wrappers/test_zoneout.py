"""Zoneout: at each step a unit keeps its state, or takes the new one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTM, Noise, unroll
from lstm_jax.cells import GRU, JANET, LSTM1997, Cell, Elman, ResetFirstGRU, Zoneout
from tests import reference
from tests.cases import HIDDEN, OPTIONS, cotangents, draw, outputs_and_gradients
from tests.tolerances import CLOSE, assert_close

NOISE = Noise(jax.random.key(3))
MANY = 4000


class Expected(reference.LSTM):
    """Zoneout at evaluation: every part of the state goes a share of the way."""

    def __init__(self, cell: Zoneout, params: reference.Named) -> None:
        super().__init__(cell.cell, params)
        self.rates = {"c": cell.c, "h": cell.h}

    def forward(self, state: reference.Named, x: np.ndarray) -> tuple[reference.Named, np.ndarray]:
        new, _ = super().forward(state, x)
        shown = {part: r * state[part] + (1 - r) * new[part] for part, r in self.rates.items()}
        return shown, shown["h"]


@pytest.mark.parametrize("executor", ["scan", "fused"])
def test_evaluation_is_the_expectation(executor: str, float64: None) -> None:
    cell = Zoneout(LSTM(HIDDEN), c=0.4, h=0.15)
    call = draw(cell, OPTIONS["all"], dtype="float64")
    weights = cotangents(cell, call)
    found = outputs_and_gradients(call, weights, cell=cell, executor=executor, reverse=True)
    results, pull_back = reference.unroll(cell, Expected, *call, reverse=True)
    assert_close(found, (results, pull_back(*weights)), CLOSE["float64"])


@pytest.mark.parametrize(
    "inner", [LSTM(HIDDEN), GRU(HIDDEN), ResetFirstGRU(HIDDEN), JANET(HIDDEN), LSTM1997(HIDDEN)]
)
def test_each_unit_has_its_old_state_or_its_new_one(inner: Cell) -> None:
    """At the stated rates, and each part of the state on its own."""
    parts = ("c", "h") if hasattr(shape(inner), "c") else ("h",)
    rates = {"c": 0.3, "h": 0.6}
    cell = Zoneout(inner, **{part: rates[part] for part in parts})
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, steps=1, batch=MANY))
    after, ys = unroll(cell, *call[:3], noise=NOISE)
    new, _ = unroll(inner, *call[:3])
    kept = {}
    for part in parts:
        old, changed, found = (np.asarray(getattr(s, part)) for s in (call.state, new, after))
        kept[part] = found == old
        assert_close(found, np.where(kept[part], old, changed), CLOSE["float32"])
        spread = np.sqrt(rates[part] * (1 - rates[part]) / MANY)
        np.testing.assert_allclose(kept[part].mean(axis=0), rates[part], atol=4 * spread)
    np.testing.assert_array_equal(ys[0], after.h)
    if len(parts) == 2:
        both = (kept["c"] & kept["h"]).mean()
        assert abs(both - rates["c"] * rates["h"]) < 4 * np.sqrt(0.18 * 0.82 / MANY)


def shape(cell: Cell) -> tuple:
    return draw(cell, {"state"}, steps=1).state


def test_masks_are_new_at_each_step() -> None:
    """With all weights zero a unit changes for good as soon as it is not kept."""
    cell = Zoneout(Elman(HIDDEN), h=0.8)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, steps=3, batch=MANY))
    params = jax.tree.map(jnp.zeros_like, call.params)
    _, ys = unroll(cell, params, *call[1:3], noise=NOISE)
    np.testing.assert_allclose(
        (np.asarray(ys) != 0).mean(axis=(1, 2)), 0.8 ** np.arange(1, 4), atol=0.02
    )


def test_no_gradient_reaches_what_is_not_kept(float64: None) -> None:
    """dh/dh0 of a cell that forgets at once is the mask."""
    cell = Zoneout(Elman(HIDDEN), h=0.5)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, steps=1, dtype="float64"))
    params = call.params._replace(w_h=jnp.zeros_like(call.params.w_h))

    def total(state: tuple) -> jax.Array:
        return unroll(cell, params, call.xs, state, noise=NOISE)[1].sum()

    after, _ = unroll(cell, params, *call[1:3], noise=NOISE)
    np.testing.assert_array_equal(jax.grad(total)(call.state).h, after.h == call.state.h)


def test_a_rate_of_a_part_that_is_not_there_is_refused() -> None:
    cell = Zoneout(GRU(HIDDEN), c=0.5)
    params = cell.init(jax.random.key(0), 2)
    with pytest.raises(ValueError, match=r"Zoneout\.c is 0\.5 but the state has no 'c': h"):
        unroll(cell, params, jnp.ones((2, 1, 2)))


def test_zoneout_of_zoneout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Zoneout\.cell already draws at each step"):
        Zoneout(Zoneout(LSTM(HIDDEN), c=0.1), h=0.1)


@pytest.mark.parametrize("rate", [1.0, -0.1])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"Zoneout\.h must be"):
        Zoneout(LSTM(HIDDEN), h=rate)
