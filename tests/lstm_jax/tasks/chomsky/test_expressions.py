"""Expressions in brackets: their grammar and odds, and their value on strings made by hand."""

import collections
import itertools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks.chomsky import expressions
from lstm_jax.tasks.chomsky.expressions import chance_with_products, expression, value
from tests.lstm_jax.tasks.chomsky.strings import strings
from tests.lstm_jax.tasks.odds import assert_distributed

SYMBOLS = "01234+-()*"


def written(length: int) -> str:
    """An expression by the grammar, with Python's own randomness."""
    number = random.choice("01234")
    if length < 5:
        return {1: number, 2: f"-{number}", 3: f"({number})", 4: f"(-{number})"}[length]
    left = random.randint(1, length - 4)
    return f"({written(left)}{random.choice('+-*')}{written(length - 3 - left)})"


def test_values_are_those_of_python() -> None:
    random.seed(0)
    texts = [written(random.randint(1, 120)) for _ in range(300)]
    texts += ["(" * 59 + "3" + ")" * 59, "(-(2))".replace("-(2)", "1-(-4)"), "((1)*(-2))"]
    codes = np.array([[SYMBOLS.index(c) for c in text.ljust(120, "*")] for text in texts], np.int32)
    lengths = np.array([len(text) for text in texts], np.int32)
    found = jax.jit(jax.vmap(value))(codes, lengths)
    assert found.tolist() == [eval(text) % 5 for text in texts]


def test_strings_of_nine_symbols_have_the_odds_of_the_grammar() -> None:
    def shapes(length: int) -> dict[str, float]:
        if length < 5:
            return {{1: "d", 2: "-d", 3: "(d)", 4: "(-d)"}[length]: 1.0}
        found: dict[str, float] = collections.defaultdict(float)
        for left in range(1, length - 3):
            pairs = itertools.product(shapes(left).items(), shapes(length - 3 - left).items())
            for (one, p), (other, q) in pairs:
                for sign in "+-*":
                    found[f"({one}{sign}{other})"] += p * q / (length - 4) / 3
        return dict(found)

    texts = [text for text, _ in strings("modular_arithmetic_brackets", 9, seed=1)]
    counts = collections.Counter("".join("d" if c.isdigit() else c for c in text) for text in texts)
    assert_distributed(counts, shapes(9))
    numbers = collections.Counter(c for text in texts for c in text if c.isdigit())
    assert_distributed(numbers, dict.fromkeys("01234", 0.2))


def test_the_deepest_nesting_fits_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that can go to the left does: drawing n - 5 of n - 4 for every bracket."""
    longest = 101
    words = np.zeros(longest, np.uint32)
    words[: longest // 4] = np.arange(longest, 4, -4) - 5
    monkeypatch.setattr(expressions.jax.random, "bits", lambda *_: jnp.asarray(words))
    tokens = expression(jax.random.key(0), jnp.int32(longest), longest, 3)
    assert "".join(SYMBOLS[t] for t in tokens) == "(" * 25 + "0" + "+0)" * 25


def test_chance_follows_from_the_odds_of_zero() -> None:
    """By all 75 strings of five symbols, and by the limit that sums and products lead to."""
    zeros = sum(
        eval(f"{a}{sign}{b}") % 5 == 0 for a in range(5) for b in range(5) for sign in "+-*"
    )
    assert chance_with_products([5]) == pytest.approx(1 - zeros / 75)
    assert chance_with_products([1, 4]) == pytest.approx(0.8)
    assert 2 / 3 < chance_with_products([500]) < chance_with_products([41]) < 0.8
