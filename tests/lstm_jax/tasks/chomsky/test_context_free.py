"""Deterministic context-free languages: answers by slow oracles, and how strings are spread."""

import collections
import itertools

import pytest

from lstm_jax.tasks.chomsky import CONTEXT_FREE
from tests.lstm_jax.tasks.chomsky.strings import assert_answers, assert_chance, strings
from tests.lstm_jax.tasks.odds import assert_distributed, even


def stacked(text: str) -> str:
    stack: list[str] = []
    for token in text:
        if token == "^":
            stack = stack[:-1]
        else:
            stack.append({"a": "0", "b": "1"}.get(token, token))
    return "".join(reversed(stack)) + "$"


def solution(text: str) -> str:
    left, right = text.split("=")
    (x,) = [x for x in "01234" if eval(left.replace("x", x)) % 5 == int(right)]
    return x


ORACLES = {
    "reverse_string": lambda text: text[::-1],
    "stack_manipulation": stacked,
    "modular_arithmetic_brackets": lambda text: str(eval(text) % 5),
    "solve_equation": solution,
}


def test_every_language_is_tested() -> None:
    assert set(ORACLES) == set(CONTEXT_FREE)


@pytest.mark.parametrize("name", ORACLES)
def test_answers_are_those_of_a_slow_oracle(name: str) -> None:
    assert_answers(name, ORACLES[name])


@pytest.mark.parametrize("name", ORACLES)
def test_chance_is_that_of_the_commonest_symbol(name: str) -> None:
    assert_chance(name)


def test_strings_are_evenly_drawn() -> None:
    counts = collections.Counter(text for text, _ in strings("reverse_string", 4, seed=1))
    assert_distributed(counts, even(map("".join, itertools.product("01", repeat=4))))


def test_every_split_into_stack_and_actions_is_as_likely() -> None:
    odds = {}
    for given in (1, 2):
        texts = [*itertools.product(*["01"] * given, *["^ab"] * (3 - given))]
        odds |= {"".join(text): 0.5 / len(texts) for text in texts}
    counts = collections.Counter(text for text, _ in strings("stack_manipulation", 3, seed=1))
    assert_distributed(counts, odds)
    shortest = collections.Counter(strings("stack_manipulation", 1, seed=1))
    assert_distributed(shortest, even([("0", "0$"), ("1", "1$")]))


def test_popping_an_empty_stack_does_nothing() -> None:
    told = dict(strings("stack_manipulation"))
    assert any("0^^^" in text[:5] for text in told)
    assert stacked("0^^a") == "0$"


def test_any_number_is_the_unknown_by_what_stands_before_it() -> None:
    """Of five places in "(a+b)" three lead to a: the first two and, round the end, the last."""
    odds = {}
    for first, second, sign in itertools.product(range(5), range(5), "+-"):
        value = (first + second if sign == "+" else first - second) % 5
        odds[f"(x{sign}{second})={value}"] = 0.6 / 50
        odds[f"({first}{sign}x)={value}"] = 0.4 / 50
    counts = collections.Counter(text for text, _ in strings("solve_equation", 7, seed=1))
    assert_distributed(counts, odds)


def test_the_examples_of_the_docstring() -> None:
    assert stacked("01^a") == "00$"
    assert eval("(2*(4))") % 5 == 3
    assert solution("(x-3)=4") == "2"
