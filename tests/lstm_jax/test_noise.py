"""Randomness is a function of (key, row, step, unit), and of nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.noise import Noise, Purpose, drawn, dropped

NOISE = Noise(jax.random.key(7))
STEPS, BATCH = 6, 4


def bits(keys: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(keys))


def test_every_row_and_step_has_a_key_of_its_own() -> None:
    keys = bits(NOISE.of_steps(STEPS, BATCH))
    assert keys.shape[:2] == (STEPS, BATCH)
    assert len(np.unique(keys.reshape(STEPS * BATCH, -1), axis=0)) == STEPS * BATCH


def test_a_sequence_in_pieces_has_the_keys_of_the_whole() -> None:
    whole = bits(NOISE.of_steps(STEPS, BATCH))
    for cut in (1, 4):
        rest = NOISE._replace(first_step=jnp.int32(cut)).of_steps(STEPS - cut, BATCH)
        np.testing.assert_array_equal(bits(rest), whole[cut:])


def test_a_share_of_the_batch_has_the_keys_of_its_rows() -> None:
    rows = jnp.array([3, 1])
    share = NOISE._replace(rows=rows)
    np.testing.assert_array_equal(
        bits(share.of_steps(STEPS, 2)), bits(NOISE.of_steps(STEPS, BATCH))[:, rows]
    )
    np.testing.assert_array_equal(bits(share.of_rows(2)), bits(NOISE.of_rows(BATCH))[rows])


def test_purposes_draw_apart() -> None:
    keys = [bits(NOISE.fold(purpose).of_rows(BATCH)) for purpose in Purpose]
    assert len(np.unique(np.concatenate(keys), axis=0)) == len(Purpose) * BATCH


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_draws_have_their_probability(probability: float) -> None:
    values = np.asarray(drawn(NOISE.of_steps(20, 10), probability, 50))
    assert values.shape == (20, 10, 50)
    deviation = np.sqrt(probability * (1 - probability) / values.size)
    assert abs(values.mean() - probability) <= 4 * deviation


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    values = jnp.array(np.random.default_rng(1).normal(size=(50, BATCH, 40)).astype(np.float32))
    found = np.asarray(dropped(values, 0.25, NOISE))
    zero = found == 0
    assert abs(zero.mean() - 0.25) < 0.02
    np.testing.assert_allclose(found[~zero], np.asarray(values)[~zero] / 0.75, rtol=1e-6)
    masks = [zero[:, b] for b in range(BATCH)]
    agreement = [(a == b).mean() for n, a in enumerate(masks) for b in masks[:n]]
    assert max(agreement) < 0.7  # 0.25^2 + 0.75^2 = 0.625 for masks drawn apart


def test_without_noise_or_rate_nothing_is_dropped() -> None:
    values = jnp.ones((STEPS, BATCH, 3))
    assert dropped(values, 0.5, None) is values
    assert dropped(values, 0.0, NOISE) is values
