"""What looks at a cell changes nothing of it, whatever runs it."""

import dataclasses

import jax
import pytest

from lstm_jax import unroll
from lstm_jax.diagnostics.observers import Observer, gate_names, state_parts
from lstm_jax.diagnostics.trace import LastStep
from tests.cases import SERVING
from tests.lstm_jax.diagnostics.looked_at import CELLS, called
from tests.tolerances import CLOSE, assert_close


@dataclasses.dataclass(frozen=True)
class Counting(Observer):
    """What has been seen is how often it looked."""

    def begin(self, zeros):
        return next(iter(zeros.values()))[:, 0]

    def look(self, seen, now):
        return seen + 1


@pytest.mark.few(4)
@pytest.mark.parametrize("case", CELLS)
def test_the_cell_runs_as_without(case: str) -> None:
    """Values and gradients; it looks once at every step of a sequence."""
    cell = CELLS[case]
    params, xs, lengths = called(cell)

    def run(cell, params):
        final, ys = unroll(cell, params, xs, lengths=lengths)
        return (ys**2).sum(), (final, ys)

    expected = jax.grad(run, argnums=1, has_aux=True)(cell, params)
    gradient, (final, ys) = jax.grad(run, argnums=1, has_aux=True)(Counting(cell), params)
    assert_close((gradient, (final.state, ys)), expected, CLOSE["float32"])
    assert final.seen.tolist() == lengths.tolist()


@pytest.mark.parametrize("executor", SERVING)
def test_every_executor_that_takes_cells_shows_the_same(executor: str) -> None:
    cell = CELLS["lstm"]
    params, xs, lengths = called(cell)
    found = unroll(LastStep(cell), params, xs, lengths=lengths, executor=executor)
    expected = unroll(LastStep(cell), params, xs, lengths=lengths, executor="scan")
    assert_close(found, expected, CLOSE["float32"])


def test_names() -> None:
    assert gate_names(CELLS["gru"]) == ("r", "z", "n")
    assert gate_names(CELLS["elman"]) == ()
    everything = CELLS["lstm_variant of everything"]
    params, _, _ = called(everything)
    assert sorted(state_parts(everything.initial_state(params, 2))) == ["c", "h"]
