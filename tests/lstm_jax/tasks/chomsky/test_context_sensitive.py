"""Context-sensitive languages: answers by slow oracles, and how strings are spread."""

import collections
import itertools
import math

import pytest

from lstm_jax.tasks.chomsky import CONTEXT_SENSITIVE
from tests.lstm_jax.tasks.chomsky.strings import assert_answers, assert_chance, strings
from tests.lstm_jax.tasks.odds import assert_distributed, even


def missing(text: str) -> str:
    whole = text.rstrip(".")
    half = len(whole) // 2
    assert text == whole + "." * (len(text) % 2)
    (found,) = [s for s in "01" if whole.replace("_", s)[:half] == whole.replace("_", s)[half:]]
    return found


def number(bits: str) -> int:
    """Of the lowest bit first."""
    assert "1" in bits
    return int(bits[::-1], 2)


def bits(value: int) -> str:
    return f"{value:b}"[::-1] + "$"


def root(text: str) -> str:
    assert "1" in text
    return f"{math.isqrt(int(text, 2)):b}".zfill(math.ceil(len(text) / 2))


ORACLES = {
    "duplicate_string": lambda text: text + text,
    "missing_duplicate_string": missing,
    "odds_first": lambda text: text[::2] + text[1::2],
    "binary_addition": lambda text: bits(sum(map(number, text.split("+")))),
    "binary_multiplication": lambda text: bits(math.prod(map(number, text.split("*")))),
    "compute_sqrt": root,
    "bucket_sort": lambda text: "".join(sorted(text)),
}


def test_every_language_is_tested() -> None:
    assert set(ORACLES) == set(CONTEXT_SENSITIVE)


@pytest.mark.parametrize("name", ORACLES)
def test_answers_are_those_of_a_slow_oracle(name: str) -> None:
    assert_answers(name, ORACLES[name])


@pytest.mark.parametrize("name", ORACLES)
def test_chance_is_that_of_the_commonest_symbol(name: str) -> None:
    assert_chance(name)


@pytest.mark.parametrize(
    "name, letters",
    [
        ("duplicate_string", ["01"] * 4),
        ("odds_first", ["01"] * 4),
        ("bucket_sort", ["01234"] * 4),
    ],
)
def test_strings_are_evenly_drawn(name: str, letters: list[str]) -> None:
    counts = collections.Counter(text for text, _ in strings(name, 4, seed=1))
    assert_distributed(counts, even(map("".join, itertools.product(*letters))))


def test_any_letter_of_two_copies_is_missing() -> None:
    texts = []
    for first, second in itertools.product("01", repeat=2):
        whole = 2 * (first + second)
        texts += [f"{whole[:place]}_{whole[place + 1 :]}." for place in range(4)]
    counts = collections.Counter(text for text, _ in strings("missing_duplicate_string", 5, seed=1))
    assert_distributed(counts, even(texts))


@pytest.mark.parametrize("name, sign", [("binary_addition", "+"), ("binary_multiplication", "*")])
def test_any_split_is_as_likely_and_so_is_any_number(name: str, sign: str) -> None:
    odds = {}
    for size in (1, 2, 3):
        ones = [f"{n:0{size}b}"[::-1] for n in range(1, 2**size)]
        others = [f"{n:0{4 - size}b}"[::-1] for n in range(1, 2 ** (4 - size))]
        pairs = [f"{one}{sign}{other}" for one in ones for other in others]
        odds |= dict.fromkeys(pairs, 1 / 3 / len(pairs))
    assert_distributed(collections.Counter(text for text, _ in strings(name, 5, seed=1)), odds)


def test_any_number_but_zero_has_its_root_drawn() -> None:
    counts = collections.Counter(text for text, _ in strings("compute_sqrt", 5, seed=1))
    assert_distributed(counts, even(f"{n:05b}" for n in range(1, 32)))


def test_the_examples_of_the_docstring() -> None:
    assert ORACLES["binary_addition"]("01+11") == "101$"
    assert ORACLES["binary_multiplication"]("01*11") == "011$"
    assert root("100101") == "110"
    assert ORACLES["odds_first"]("00110") == "01001"
    assert missing("0110_1") == "1"
