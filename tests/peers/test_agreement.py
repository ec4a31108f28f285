"""Our float32 against torch's float64 over 200 steps, with weights as torch draws them.

make test-peers ARGS="-k agreement -s"      prints the distances
"""

import jax
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, Stack
from lstm_jax.cells import LSTMP, Cell
from tests.lstm_jax.interop.cases import Case, distances, draw_call, to_float64, torch
from tests.peers import run_torch

pytestmark = pytest.mark.usual_promotion

HIDDEN = 64
AGREEMENT = 1e-5
"""Of outputs, final states and gradients, relative to the largest magnitude of each array."""


def deep(cell: Cell) -> Stack:
    return Stack((Bidirectional(cell, cell), Bidirectional(cell, cell)))


AGREEING = {
    "lstm": torch(LSTM(HIDDEN)),
    "lstm deep both ways": torch(deep(LSTM(HIDDEN))),
    "lstm projected": torch(LSTMP(HIDDEN, projection_size=16)),
    "lstm projected deep both ways": torch(deep(LSTMP(HIDDEN, projection_size=16))),
    "gru": torch(GRU(HIDDEN)),
    "gru deep both ways": torch(deep(GRU(HIDDEN))),
    "rnn": torch(Elman(HIDDEN)),
    "rnn deep both ways": torch(deep(Elman(HIDDEN))),
}


@pytest.mark.parametrize("name", AGREEING)
def test_agreement_over_200_steps(name: str) -> None:
    case: Case = AGREEING[name]
    sizes = {"steps": 200, "batch": 4, "inputs": 8}
    weights = to_float64(jax.tree.map(np.asarray, run_torch.entries(case, name, inputs=8)))
    call = draw_call(case, 3, **sizes)
    found = distances(case, weights, call, run_torch.run(case, name, weights, call))
    furthest = max(found, key=lambda key: found[key])
    print(f"\n{name}: at most {found[furthest]:.1e}, of {furthest}; ys {found['ys']:.1e}")  # noqa: T201
    assert found[furthest] < AGREEMENT
