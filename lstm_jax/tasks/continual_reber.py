"""The continual embedded Reber grammar: strings follow one another without end or reset.

    ... B T [B P V V E] T E B P [B T S X S E] P E B T ...

The network has to find out by itself that a string has ended and that what it remembers of it is
worth nothing any more. What may come after E is B.

Source: Gers, Schmidhuber & Cummins 2000. Their training streams end at the first error, ours after
so many windows; another begins then, with the initial state. A net that never sees that again
after its first window is wrong in the first twenty symbols of test streams, and right in others.
"""

import dataclasses
import functools
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX, Size
from lstm_jax.tasks.base import Batch, HeldOut, Scores, Written
from lstm_jax.tasks.reber import ARCS, LEGAL, STATES, SYMBOLS, memoryless_error, walk
from lstm_jax.tasks.scores import Loss, of_logistic, share_wrong

TOLERANCE = 0.49


@dataclasses.dataclass(frozen=True)
class ContinualReber(Written):
    """Predict every symbol that may come next in an endless stream of Reber strings.

    Args:
        window: symbols per training step and stream, through which gradients flow.
        windows: how many a training stream has before another begins in its row.
        test_length: symbols of each of the ten test streams.
        loss: what training minimises, for every legal symbol: the likelihood of logistic outputs,
            or their squared errors as in the paper.

    A step is correct if every logistic output is within 0.49 of its target, which is 1 for each
    legal next symbol and 0 for the others. Solved when every step of ten streams of 100,000
    symbols is, which the paper calls a perfect network. A "sequence" is one window of a stream.

    >>> task = ContinualReber(window=40)
    >>> "".join(SYMBOLS[s] for s in task.sample(jax.random.key(0), 1).inputs[:, 0])
    'BPBTSSSSXXTVPXTTTTTTVPSEPEBTBTSXSETEBTBT'
    """

    window: Size = 100
    windows: Size = 10
    test_length: Annotated[int, Ge(1), Le(MAX)] = 100_000
    loss: Loss = "likelihood"

    streams = True
    symbols = answers = SYMBOLS
    error_name = "share of symbols wrong"
    test_size = 10
    criterion = HeldOut(max_error=0.0)

    @property
    def lag(self) -> int:
        return self.window

    @functools.cached_property
    def chance(self) -> float:
        """Symbols are counted as often as an endless stream has them."""
        moves = np.zeros((STATES, STATES))
        np.add.at(moves, (np.arange(STATES)[:, None], ARCS[..., 1]), 0.5)
        equations = np.vstack([moves.T - np.eye(STATES), np.ones(STATES)])
        often = np.linalg.lstsq(equations, np.eye(STATES + 1)[-1])[0]
        seen = np.zeros((len(SYMBOLS), STATES))
        np.add.at(seen, (ARCS[..., 0], ARCS[..., 1]), 0.5 * often[:, None])
        return memoryless_error(seen)

    def batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """A window of each stream, wherever it is: walks from all states of the grammar meet, so
        that looking back until they have met, or to the beginning, where the first one is right,
        tells the state in which the window begins.
        """

        def stream(row: Array, begun: Array) -> tuple[Array, Array]:
            of_row = jax.random.fold_in(key, row)

            def coins(step: Array) -> Array:
                drawn = jax.random.fold_in(of_row, step)
                return jax.random.bits(drawn, (self.window,), jnp.uint32)

            def apart(looked: tuple[Array, Array]) -> Array:
                before, ends = looked
                return (before > begun) & (ends != ends[0]).any()

            def look_back(looked: tuple[Array, Array]) -> tuple[Array, Array]:
                before, ends = looked  # where walks from every state at `before` are by now
                return before - 1, ends[walk(everywhere, coins(before - 1))[0]]

            everywhere = jnp.arange(STATES)
            _, ends = jax.lax.while_loop(apart, look_back, (step, everywhere))
            return walk(ends[0], coins(step))[1]

        begun = jnp.maximum(0, step - self._window(step, rows))
        return self._batch(*jax.vmap(stream, out_axes=1)(rows, begun))

    def begins(self, step: Int[Array, ""], rows: Int[Array, " B"]) -> Bool[Array, " B"]:
        """Each row at a step of its own."""
        return self._window(step, rows) == 0

    def _window(self, step: Int[Array, ""], rows: Int[Array, " B"]) -> Int[Array, " B"]:
        """Which of its stream's windows each row is at."""
        return (step + rows) % self.windows

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """Whole streams from their beginnings."""
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, step), rows)
        coins = jax.vmap(lambda k: jax.random.bits(k, (self.test_length,), jnp.uint32))(keys)
        _, seen = jax.vmap(lambda c: walk(jnp.int32(0), c), out_axes=(0, 1))(coins)
        return self._batch(*seen)

    def _batch(self, symbols: Int[Array, "T B"], states: Int[Array, "T B"]) -> Batch:
        legal = jnp.asarray(LEGAL, jnp.float32)[states]
        return Batch(symbols, legal, jnp.ones(symbols.shape), None)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        steps = of_logistic(outputs, batch.targets, self.loss)
        return share_wrong(steps.loss, ~(steps.error < TOLERANCE), batch.weights, self.loss)
