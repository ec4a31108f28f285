"""Two directions: each is `unroll` on its own, whatever lengths and resets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, DropConnect, Noise, unroll
from lstm_jax.layers import BidirectionalParams, BidirectionalState
from tests.cases import BATCH, INPUTS, normal
from tests.tolerances import CLOSE, assert_close

STEPS = 11
PAIR = Bidirectional(LSTM(3), GRU(3))


@pytest.fixture(scope="module")
def problem() -> tuple:
    """Random parameters, states, inputs, lengths and resets."""
    rng = np.random.default_rng(21)
    shapes = jax.eval_shape(lambda: PAIR.init(jax.random.key(0), INPUTS))
    params = normal(rng, shapes, scale=0.7)
    state = normal(rng, jax.eval_shape(lambda: PAIR.initial_state(params, BATCH)))
    xs = rng.normal(size=(STEPS, BATCH, INPUTS)).astype(np.float32)
    resets = rng.random((STEPS, BATCH)) < 0.2
    return jax.tree.map(jnp.asarray, (params, state, xs, np.array([STEPS, 0, 4, 9]), resets))


@pytest.mark.parametrize("merge", ["concat", "sum", "none"])
def test_each_direction_runs_on_its_own(problem: tuple, merge: str) -> None:
    params, state, xs, lengths, _ = problem
    layer = Bidirectional(LSTM(3), GRU(3), merge)
    final, ys = jax.jit(layer.unroll)(params, xs, state, lengths=lengths)
    there, forward = unroll(LSTM(3), params.forward, xs, state.forward, lengths=lengths)
    back, backward = unroll(
        GRU(3), params.backward, xs, state.backward, lengths=lengths, reverse=True
    )
    merged = {
        "concat": jnp.concatenate([forward, backward], axis=-1),
        "sum": forward + backward,
        "none": (forward, backward),
    }[merge]
    assert isinstance(final, BidirectionalState)
    assert_close((final.forward, final.backward, ys), (there, back, merged), CLOSE["float32"])


def test_a_reset_parts_the_sequence_for_both(problem: tuple) -> None:
    """With resets, the outputs are those of the parts, each run by itself."""
    params, _, xs, _, _ = problem
    cut = 4
    resets = jnp.zeros((STEPS, BATCH), bool).at[cut].set(True)
    _, ys = jax.jit(PAIR.unroll)(params, xs, resets=resets)
    _, early = PAIR.unroll(params, xs[:cut])
    _, late = PAIR.unroll(params, xs[cut:])
    assert_close(ys, jnp.concatenate([early, late]), CLOSE["float32"])


def test_padding_stays_out_whatever_the_resets_there(problem: tuple) -> None:
    params, state, xs, lengths, resets = problem
    padding = jnp.arange(STEPS)[:, None] >= lengths
    clean = PAIR.unroll(params, xs, state, lengths=lengths, resets=resets & ~padding)
    spoilt = jnp.where(padding[:, :, None], jnp.nan, xs)
    found = PAIR.unroll(params, spoilt, state, lengths=lengths, resets=resets | padding)
    assert_close(found, clean, CLOSE["float32"])
    assert not np.asarray(found[1])[np.asarray(padding)].any()


def test_widths_and_parameters() -> None:
    assert Bidirectional(LSTM(3), GRU(2)).output_size == 5
    assert Bidirectional(LSTM(3), GRU(3), "sum").output_size == 3
    params = PAIR.init(jax.random.key(0), INPUTS)
    assert isinstance(params, BidirectionalParams)
    alike = Bidirectional(LSTM(3), LSTM(3)).init(jax.random.key(0), INPUTS)
    assert (alike.forward.w_h != alike.backward.w_h).mean() > 0.9


def test_directions_draw_apart(problem: tuple) -> None:
    params, _, xs, *_ = problem
    layer = Bidirectional(DropConnect(GRU(3)), DropConnect(GRU(3)), "none")
    both = BidirectionalParams(params.backward, params.backward)
    symmetric = jnp.concatenate([xs, xs[::-1]])
    _, (forward, backward) = layer.unroll(both, symmetric, noise=Noise(jax.random.key(0)))
    assert abs(forward - backward[::-1]).max() > 0.01
    _, (forward, backward) = layer.unroll(both, symmetric)
    assert_close(forward, backward[::-1], CLOSE["float32"])


def test_what_cannot_be_merged_is_refused(bad_input: None) -> None:
    with pytest.raises(ValueError, match=r"'sum' but the outputs have widths 3 and 2; 'concat'"):
        Bidirectional(LSTM(3), GRU(2), merge="sum")
    with pytest.raises(ValueError, match=r"Bidirectional\.merge is 'cat'; did you mean 'concat'"):
        Bidirectional(LSTM(3), GRU(2), merge="cat")
