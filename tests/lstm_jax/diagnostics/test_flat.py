"""Laying a state's leaves side by side, and parting them again."""

import jax
import numpy as np

from lstm_jax.diagnostics.flat import laid, parted
from tests.lstm_jax.diagnostics.looked_at import CELLS, called


def test_parting_undoes_laying() -> None:
    cell = CELLS["lstm_variant of everything"]
    params, _, _ = called(cell)
    rng = np.random.default_rng(0)
    state = jax.tree.map(
        lambda leaf: np.float32(rng.normal(size=leaf.shape)), cell.initial_state(params, 3)
    )
    row = laid(state)
    assert row.shape == (3, sum(leaf.shape[-1] for leaf in jax.tree.leaves(state)))
    back = parted(row, state)
    assert jax.tree.structure(back) == jax.tree.structure(state)
    assert jax.tree.all(jax.tree.map(np.array_equal, back, state))
