"""A batch in shares against the same batch whole, on one device and on two."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from lstm_jax import LSTM
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import Scores
from lstm_jax.training import SGD, SeedState, Training
from lstm_jax.training.gradient import Graded, Sharing, grade_batch
from lstm_jax.training.loop import grade, start
from tests.lstm_jax.training.plain import Walk, assert_identical, member
from tests.tolerances import CLOSE, assert_close

BATCH = 12
DATA = np.random.default_rng(0).normal(size=(BATCH, 3)).astype(np.float32)


def learn(carry: jax.Array, rows: jax.Array) -> Graded:
    """Of the mean of (x . w)**2 / 2 at w = (1, 2, 3); the carried state counts its rows' sums."""
    x = jnp.asarray(DATA)[rows]
    product = x @ jnp.arange(1.0, 4.0)
    carried = carry + x.sum(axis=1)
    return Graded({"w": (product[:, None] * x).mean(axis=0)}, carried, Scores(product, *[rows] * 2))


def graded(shares: int, devices: int, carry: np.ndarray) -> Graded:
    """What the batch teaches, the carried state of all rows put together."""
    if not devices:
        return jax.jit(lambda carry: grade_batch(learn, carry, Sharing(BATCH, shares)))(carry)
    sharing = Sharing(BATCH, shares, "data", devices)
    mesh = Mesh(np.array(jax.devices("cpu")[:devices]), ("data",))
    spread = jax.shard_map(
        lambda carry: grade_batch(learn, carry, sharing),
        mesh=mesh,
        in_specs=P("data"),
        out_specs=Graded(P(), P("data"), P()),
        check_vma=False,
    )
    return jax.jit(spread)(carry)


@pytest.mark.parametrize(
    "shares, devices", [(1, 0), (1, 1), (2, 0), (3, 1), (12, 0), (2, 2), (4, 2), (12, 2)]
)
def test_shares_teach_what_the_whole_batch_teaches(shares: int, devices: int) -> None:
    carry = np.arange(BATCH, dtype=np.float32)
    found = graded(shares, devices, carry)
    products = DATA @ [1.0, 2.0, 3.0]
    expected = (products[:, None] * DATA).mean(axis=0)
    np.testing.assert_allclose(found.gradient["w"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.carry, carry + DATA.sum(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.scores.loss, products, rtol=1e-5, atol=1e-6)
    assert found.scores.error.tolist() == list(range(BATCH))


@pytest.mark.parametrize("shares", [2, 4, 12])
def test_devices_that_share_a_batch_change_no_bit(shares: int) -> None:
    carry = np.zeros(BATCH, np.float32)
    assert_identical(graded(shares, 2, carry), graded(shares, 1, carry))
    assert_identical(graded(shares, 1, carry), graded(shares, 0, carry))


@pytest.mark.parametrize("shares, devices, rows", [(1, 1, 12), (4, 2, 6), (12, 4, 3)])
def test_a_device_has_its_part_of_the_rows(shares: int, devices: int, rows: int) -> None:
    sharing = Sharing(BATCH, shares, "data", devices)
    assert sharing.rows == rows
    (split,) = sharing.split([np.arange(rows)])
    parts = np.array_split(np.arange(rows), shares // devices)
    assert split.tolist() == [part.tolist() for part in parts]


class Found(NamedTuple):
    state: SeedState
    graded: Any


def of_model(shares: int) -> Found:
    model = SequenceModel(Stack((LSTM(3),)), input_size=2, output_size=1, dropout=0.4)
    training = Training(Walk(), model, SGD(0.1).build(9), BATCH, shares=shares)

    def both() -> Found:
        state = start(training, member())
        state = state._replace(step=jnp.int32(7))
        draw = jax.random.normal(jax.random.key(1), (BATCH, 3))
        carry = jax.tree.map(lambda leaf: leaf + draw, state.learnt.carry)
        state = state._replace(learnt=state.learnt._replace(carry=carry))
        return Found(state, grade(training, state))

    return jax.jit(both)()


@pytest.fixture(scope="module")
def whole() -> Found:
    return of_model(1)


@pytest.mark.parametrize("shares", [2, 4])
def test_data_noise_and_carried_state_are_those_of_the_whole_batch(
    whole: Found, shares: int
) -> None:
    """The scores, of each sequence, tell what it was and what was dropped from it."""
    found = of_model(shares)
    assert_identical(found.state, whole.state)
    assert len({*found.graded.scores.loss.tolist()}) == BATCH
    assert_close(found.graded, whole.graded, CLOSE["float32"])
