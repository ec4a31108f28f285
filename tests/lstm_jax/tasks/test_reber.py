"""The embedded Reber grammar, held to a grammar written down twice more: as rules and as a regular
expression.
"""

import collections
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, HeldOut, Reber
from lstm_jax.tasks.reber import LEGAL, SYMBOLS, states
from tests.lstm_jax.tasks.odds import assert_distributed, draw, grade

TASK = Reber()
TAIL = "(XT*VP)*(S|XT*VV)"
INNER = f"B(TS*X{TAIL}|PT*V(V|P{TAIL}))E"
STRING = re.compile(f"B(T{INNER}T|P{INNER}P)E")

RULES = {
    "start": {"B": "split"},
    "split": {"T": "t", "P": "p"},
    "t": {"S": "t", "X": "x"},
    "p": {"T": "p", "V": "v"},
    "x": {"X": "p", "S": "end"},
    "v": {"P": "x", "V": "end"},
    "end": {"E": ""},
}
"""The inner grammar by name of its nodes."""


@functools.cache
def legal_next(prefix: str) -> frozenset[str]:
    """What may follow a prefix of a stream of embedded strings; asserts that it is one."""
    mode, node, first = "outer", "start", ""
    for symbol in prefix:
        assert symbol in options(mode, node, first), prefix
        if mode == "outer" and node == "start":
            node = "choice"
        elif mode == "outer" and node == "choice":
            mode, node, first = "inner", "start", symbol
        elif mode == "inner":
            node = RULES[node][symbol]
            if node == "":
                mode, node = "outer", "again"
        elif node == "again":
            node = "last"
        else:
            node, first = "start", ""
    return frozenset(options(mode, node, first))


def options(mode: str, node: str, first: str) -> str:
    if mode == "inner":
        return "".join(RULES[node])
    return {"start": "B", "choice": "TP", "again": first, "last": "E"}[node]


@pytest.fixture(scope="module")
def everything() -> Batch:
    rows = jnp.arange(TASK.test_size)
    batch = jax.jit(TASK.test_batch)(jax.random.key(3), jnp.int32(0), rows)
    return Batch(*map(np.asarray, batch))


@pytest.mark.parametrize("pair", range(3))
def test_sets_hold_strings_of_the_grammar_and_have_none_in_common(pair: int) -> None:
    strings = Reber(pair=pair).strings
    assert len(strings) == 512
    assert all(map(STRING.fullmatch, strings))
    assert not set(strings[:256]) & set(strings[256:])


def test_strings_of_training_come_as_often_as_the_grammar_gives_them() -> None:
    """Two ways are open at each of its symbols but five: both B, both E and the last but one."""
    sets = [Reber(pair=pair).strings for pair in range(40)]
    assert len(set(sets)) == 40
    found = collections.Counter(string for strings in sets for string in strings[:256])
    short = {string: 2.0 ** (5 - len(string)) for string in found if len(string) <= 11}
    assert_distributed(
        collections.Counter({string: found[string] for string in short}),
        {string: p / sum(short.values()) for string, p in short.items()},
    )


def test_two_ways_to_write_the_grammar_agree() -> None:
    """The walker of this test accepts what the regular expression does, up to 13 symbols."""
    found, front = set(), [""]
    while front:
        prefix = front.pop()
        for symbol in legal_next(prefix):
            string = prefix + symbol
            if len(string) > 5 and len(string) <= 13 and legal_next(string) == {"B"}:
                found.add(string)
            elif len(string) < 13:
                front.append(string)
    assert found
    assert all(map(STRING.fullmatch, found))
    assert {s for s in TASK.strings if len(s) <= 13} <= found


def test_every_state_knows_what_may_come() -> None:
    for string in TASK.strings:
        for t, state in enumerate(states(string)):
            legal = {SYMBOLS[symbol] for symbol in np.flatnonzero(LEGAL[state])}
            assert legal == legal_next(string[: t + 1])


def test_the_test_batch_is_both_sets_with_their_targets(everything: Batch) -> None:
    for row, string in enumerate(TASK.strings):
        steps = len(string) - 1
        assert everything.lengths[row] == steps
        assert "".join(SYMBOLS[s] for s in everything.inputs[:steps, row]) == string[:-1]
        assert everything.weights[:, row].tolist() == [1] * steps + [0] * (TASK.lag - steps)
        assert not everything.inputs[steps:, row].any()
        for t in range(steps):
            targets = dict(zip(SYMBOLS, everything.targets[t, row], strict=True))
            assert targets.pop(string[t + 1]) == 2
            others = legal_next(string[: t + 1]) - {string[t + 1]}
            assert {symbol for symbol, target in targets.items() if target == 1} == others
            assert set(targets.values()) <= {0, 1}


def test_training_draws_its_own_256_strings_evenly() -> None:
    batch = draw(TASK, 20_000, seed=0)
    inputs, lengths = np.asarray(batch.inputs), np.asarray(batch.lengths)
    rows = (inputs[: lengths[n], n] for n in range(len(lengths)))
    drawn = collections.Counter("".join(SYMBOLS[s] for s in row) + "E" for row in rows)
    often = collections.Counter(TASK.strings[:256])
    assert_distributed(drawn, {string: count / 256 for string, count in often.items()})


def test_chance_is_that_of_the_best_answer_to_each_symbol(everything: Batch) -> None:
    answers: dict[int, collections.Counter] = collections.defaultdict(collections.Counter)
    for t, n in zip(*np.nonzero(everything.weights), strict=True):
        legal = tuple(np.flatnonzero(everything.targets[t, n]))
        answers[int(everything.inputs[t, n])][legal] += 1
    best = sum(counter.most_common(1)[0][1] for counter in answers.values())
    assert TASK.chance == pytest.approx(1 - best / int(everything.weights.sum()), abs=1e-9)


def test_a_step_is_correct_if_all_legal_symbols_are_the_most_active(everything: Batch) -> None:
    few = Batch(*(part[..., :4] if part.ndim < 3 else part[:, :4] for part in everything))
    steps = int(few.lengths[:4].min())
    noise = np.random.default_rng(0).uniform(0, 1, few.targets.shape)
    outputs = np.where(few.targets > 0, 1.5, 0.0) + noise  # never below an illegal one
    outputs[steps - 1, 1] = -outputs[steps - 1, 1]
    tied = outputs[0, 2]
    tied[few.targets[0, 2] > 0] = tied[few.targets[0, 2] == 0].max()
    outputs[int(few.lengths[3]) :, 3] = 0.0  # padding does not count
    scores = grade(TASK, jnp.asarray(outputs, jnp.float32), Batch(*map(jnp.asarray, few)))
    assert scores.correct.tolist() == [True, False, False, True]
    np.testing.assert_allclose(
        scores.error, [0, 1 / few.lengths[1], 1 / few.lengths[2], 0], rtol=1e-5
    )


def test_the_loss_is_that_of_the_symbol_that_comes(everything: Batch) -> None:
    few = Batch(
        *(jnp.asarray(part[..., :3] if part.ndim < 3 else part[:, :3]) for part in everything)
    )
    outputs = np.random.default_rng(1).normal(size=few.targets.shape).astype(np.float32)
    for loss in ("likelihood", "squares"):
        expected = np.zeros(3)
        for n in range(3):
            string = TASK.strings[n]
            for t in range(len(string) - 1):
                z, nxt = outputs[t, n].astype(np.float64), SYMBOLS.index(string[t + 1])
                if loss == "likelihood":
                    expected[n] += np.log(np.exp(z).sum()) - z[nxt]
                else:
                    expected[n] += ((1 / (1 + np.exp(-z)) - np.eye(7)[nxt]) ** 2).sum()
            if loss == "likelihood":  # a mean over the steps; squared errors are their sum
                expected[n] /= len(string) - 1
        scores = grade(Reber(loss=loss), jnp.asarray(outputs), few)
        np.testing.assert_allclose(scores.loss, expected, rtol=1e-5)


def test_outputs_that_are_not_numbers_are_wrong(everything: Batch) -> None:
    batch = Batch(*(jnp.asarray(part) for part in everything))
    assert not grade(TASK, jnp.full(batch.targets.shape, jnp.nan), batch).correct.any()


def test_sizes_and_criterion() -> None:
    assert (TASK.input_size, TASK.output_size, TASK.tokens, TASK.streams) == (7, 7, True, False)
    assert TASK.lag == max(map(len, TASK.strings)) - 1
    assert (TASK.criterion, TASK.test_size) == (HeldOut(max_error=0.0), 512)
