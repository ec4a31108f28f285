"""Regular languages: answers by slow oracles, and how strings are spread."""

import collections
import itertools

import pytest

from lstm_jax.tasks.chomsky import REGULAR
from tests.lstm_jax.tasks.chomsky.strings import assert_answers, assert_chance, strings
from tests.lstm_jax.tasks.odds import assert_distributed, even


def unequal_neighbours(text: str) -> str:
    return str(sum(pair in ("01", "10") for pair in map("".join, itertools.pairwise(text))) % 2)


def round_trip(text: str) -> str:
    place = 0
    for step in text:
        place = {"-": (place - 1) % 5, "0": place, "+": (place + 1) % 5}[step]
    return str(place)


ORACLES = {
    "even_pairs": unequal_neighbours,
    "modular_arithmetic": lambda text: str(eval(text) % 5),
    "parity_check": lambda text: str(text.count("1") % 2),
    "cycle_navigation": round_trip,
}


def test_every_language_is_tested() -> None:
    assert set(ORACLES) == set(REGULAR)


@pytest.mark.parametrize("name", ORACLES)
def test_answers_are_those_of_a_slow_oracle(name: str) -> None:
    assert_answers(name, ORACLES[name])


@pytest.mark.parametrize(
    "name, letters",
    [
        ("even_pairs", ["01"] * 4),
        ("parity_check", ["01"] * 4),
        ("cycle_navigation", ["-0+"] * 4),
        ("modular_arithmetic", ["01234", "+-*", "01234"]),
    ],
)
def test_strings_are_evenly_drawn(name: str, letters: list[str]) -> None:
    counts = collections.Counter(text for text, _ in strings(name, 4, seed=1))
    assert_distributed(counts, even(map("".join, itertools.product(*letters))))


@pytest.mark.parametrize("name", ORACLES)
def test_chance_is_that_of_the_commonest_symbol(name: str) -> None:
    assert_chance(name)


def test_the_examples_of_the_docstring() -> None:
    assert unequal_neighbours("010010") == "0"
    assert eval("1+2*3") % 5 == 2
    assert round_trip("++0-+") == "2"
