"""Long sequences: memory that grows as the square root of T.

The time axis is cut into segments. Forwards, only the state at the start of each is kept;
backwards, a segment is run again from there, and its steps are kept while its gradient is taken.
With segments of the square root of T steps there are as many states as steps of one segment
(Chen et al. 2016, "Training deep nets with sublinear memory cost").
"""

import dataclasses
import math
from typing import Any

import jax

from lstm_jax import sequence
from lstm_jax.cells import Cell
from lstm_jax.checks import Size
from lstm_jax.executors.base import Executor, Inputs
from lstm_jax.executors.fused import Fused
from lstm_jax.executors.scan import Scan


@dataclasses.dataclass(frozen=True)
class Checkpointed(Executor):
    """Memory that grows as the square root of T, for any cell, and one more forward pass.

    Args:
        segment: steps between the states that are kept; left out, the square root of T.
    """

    drawback = "it runs every step twice, to save memory"

    segment: Size | None = None

    def run(self, cell: Cell, params: Any, state: Any, inputs: Inputs) -> tuple[Any, Any]:
        within = Fused() if cell.splits else Scan()

        @jax.checkpoint
        def segment(params: Any, state: Any, part: Inputs) -> tuple[Any, Any]:
            return within.run(cell, params, state, part)

        steps = len(inputs.xs)
        size = self.segment or max(1, math.isqrt(steps))

        def advance(state: Any, part: Inputs) -> tuple[Any, Any]:
            return segment(params, state, part)

        return sequence.over_chunks(advance, state, inputs, size)
