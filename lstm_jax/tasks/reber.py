"""The embedded Reber grammar: predict every symbol that may come next.

    inner grammar     0 -B-> 1      1 -T-> 2 or -P-> 3      2 -S-> 2 or -X-> 4
                      3 -T-> 3 or -V-> 5                    4 -X-> 3 or -S-> 6
                      5 -P-> 4 or -V-> 6                    6 -E->, all with probability 1/2

    string            B   P   B   T   S   X   X   V   V   E   P  E
    legal next        PT  B   PT  SX  SX  SX  TV  PV  E   P   E

A string is B, then T or P, then a string of the inner grammar, then the same T or P, then E: the
last symbol but one can be told from the second alone.

Source: Hochreiter & Schmidhuber 1997, experiment 1; the grammar is that of Cleeremans,
Servan-Schreiber & McClelland 1989.
"""

import dataclasses
import functools
import itertools
import random
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

from lstm_jax.checks import MAX
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Written, time_major
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import Loss, of_class, share_wrong

SYMBOLS = "BTPSXVE"
INNER = ["B1", "T2 P3", "S2 X4", "T3 V5", "X3 S6", "P4 V6", "E7"]
"""The inner grammar: from each state, the symbols that may come and the states they lead to."""


def _arcs() -> list[list[tuple[int, int]]]:
    """From each state of the embedded grammar the two equally likely (symbol, next state)."""
    arcs = ["B1", "T2 P10"]
    for symbol, base in (("T", 2), ("P", 10)):
        arcs += [
            " ".join(f"{arc[0]}{base + int(arc[1:])}" for arc in state.split()) for state in INNER
        ]
        arcs.append(f"{symbol}18")
    arcs.append("E0")
    pairs = [[(SYMBOLS.index(arc[0]), int(arc[1:])) for arc in state.split()] for state in arcs]
    return [[pair[0], pair[-1]] for pair in pairs]


ARCS = np.array(_arcs(), np.int32)
"""(19, 2, 2): by state and coin, the symbol that comes and the state after it; 0 is the start, and
where a string has ended.
"""
STATES = len(ARCS)
LEGAL = np.array([[symbol in arcs[:, 0] for symbol in range(7)] for arcs in ARCS])
"""(19, 7): by state, whether each symbol may come next."""


def walk(
    state: Int[Array, "*S"], coins: UInt32[Array, " T"]
) -> tuple[Int[Array, "*S"], tuple[Int[Array, "T *S"], Int[Array, "T *S"]]]:
    """Go T symbols on: the last state, and each symbol with the state after it.

    Bit s of a coin decides what comes in state s, so that walks from several states meet and then
    stay together.
    """
    arcs = jnp.asarray(ARCS)

    def step(state: Array, coin: Array) -> tuple[Array, tuple[Array, Array]]:
        side = (coin >> state.astype(jnp.uint32)) & jnp.uint32(1)
        symbol, after = jnp.moveaxis(arcs[state, side.astype(jnp.int32)], -1, 0)
        return after, (symbol, after)

    return jax.lax.scan(step, state, coins)


def memoryless_error(seen: Float[np.ndarray, "7 19"]) -> float:
    """The share of steps that are wrong if each symbol is answered by the commonest legal set.

    `seen` says how often each symbol leads to each state.
    """
    _, kind = np.unique(LEGAL, axis=0, return_inverse=True)
    by_set = seen @ np.eye(kind.max() + 1)[kind.ravel()]
    return float(1 - by_set.max(axis=1).sum() / seen.sum())


@dataclasses.dataclass(frozen=True)
class Reber(Written, SampledTask):
    """Predict every symbol that may come next in a string of the embedded Reber grammar.

    Args:
        pair: which of the fixed pairs of a training and a test set; the paper uses three.
        loss: what training minimises, for the symbol that does come: the likelihood of a softmax,
            or squared errors of logistic outputs as in the paper.

    A set has 256 strings as the grammar gives them, so that short ones come several times; none of
    the test set is in the training set. Whether the paper's sets repeat strings could not be
    confirmed. A step is correct if every legal next symbol is more active than
    every other. Solved when all steps of all 512 strings are, those of the training set among
    them, as in the paper; the test sequences of this task are therefore both sets.

    >>> task = Reber()
    >>> task.strings[:2]
    ('BPBTXSEPE', 'BTBPVVETE')
    >>> batch = task.sample(jax.random.key(0), 1)
    >>> "".join(SYMBOLS[s] for s in batch.inputs[: batch.lengths[0], 0]) + "E" in task.strings
    True
    """

    pair: Annotated[int, Ge(0), Le(MAX)] = 0
    loss: Loss = "likelihood"

    symbols = answers = SYMBOLS
    error_name = "share of steps wrong"
    test_size = 512
    criterion = HeldOut(max_error=0.0)

    @functools.cached_property
    def strings(self) -> tuple[str, ...]:
        """256 training strings, then 256 test strings."""
        rng = random.Random(1997 + self.pair)
        training = [_string(rng) for _ in range(256)]
        others = (string for _ in itertools.count() if (string := _string(rng)) not in training)
        return *training, *itertools.islice(others, 256)

    @functools.cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(512, T) inputs, (512, T, 7) targets, (512,) lengths; the last symbol is no input."""
        lengths = np.array([len(string) - 1 for string in self.strings], np.int32)
        inputs = np.zeros((512, self.lag), np.int32)
        targets = np.zeros((512, self.lag, 7), np.float32)
        for row, string in enumerate(self.strings):
            symbols = [SYMBOLS.index(symbol) for symbol in string]
            inputs[row, : lengths[row]] = symbols[:-1]
            for t, state in enumerate(states(string)[:-1]):
                targets[row, t] = LEGAL[state]
                targets[row, t, symbols[t + 1]] = 2.0
        return inputs, targets, lengths

    @functools.cached_property
    def lag(self) -> int:
        return max(map(len, self.strings)) - 1

    @functools.cached_property
    def chance(self) -> float:
        seen = np.zeros((7, STATES))
        for string in self.strings:
            for symbol, state in zip(string[:-1], states(string), strict=False):
                seen[SYMBOLS.index(symbol), state] += 1
        return memoryless_error(seen)

    def sequence(self, key: PRNGKeyArray) -> Batch:
        return self._row(integers(key, [256])[0])

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """All strings, those of the training set first."""
        return time_major(jax.vmap(self._row)(jnp.minimum(rows, 511)))

    def _row(self, row: Int[Array, ""]) -> Batch:
        """A string; targets are 1 for a legal next symbol and 2 for the one that comes."""
        inputs, targets, length = (jnp.asarray(part)[row] for part in self._table)
        return Batch(inputs, targets, (jnp.arange(self.lag) < length).astype(jnp.float32), length)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        legal = batch.targets > 0
        above = outputs[..., :, None] > outputs[..., None, :]
        wrong = (legal[..., :, None] & ~legal[..., None, :] & ~above).any(axis=(-2, -1))
        cost = of_class(outputs, batch.targets.argmax(axis=-1), self.loss).loss
        return share_wrong(cost, wrong, batch.weights, self.loss)


def states(string: str) -> list[int]:
    """The state after each symbol of a string, from the start."""
    found, state = [], 0
    for symbol in string:
        state = dict(ARCS[state].tolist())[SYMBOLS.index(symbol)]
        found.append(state)
    return found


def _string(rng: random.Random) -> str:
    state, string = 0, ""
    while not string or state:
        symbol, state = ARCS[state, int(rng.random() < 0.5)]
        string += SYMBOLS[symbol]
    return string
