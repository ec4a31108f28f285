"""Lengths from T to 1.1 T: both ends come, nothing beyond, and what asks is the last step."""

import numpy as np
import pytest

from lstm_jax.tasks import Multiplication, TemporalOrder, TwoSequences
from lstm_jax.tasks.lengths import UnevenTask
from tests.lstm_jax.tasks.odds import draw


@pytest.mark.parametrize(
    "task",
    [Multiplication(length=25), TwoSequences("3a", length=25), TemporalOrder("6a", length=25)],
    ids=lambda task: type(task).__name__,
)
def test_lengths_go_from_t_to_a_tenth_more(task: UnevenTask) -> None:
    batch = draw(task, 200)
    assert batch.lengths is not None
    assert {*batch.lengths.tolist()} == {25, 26, 27}
    assert len(batch.inputs) == task.max_length == task.lag == 27
    last = np.asarray(batch.weights).argmax(axis=0)
    np.testing.assert_array_equal(last, batch.lengths - 1)
    assert (batch.weights.sum(axis=0) == 1).all()
