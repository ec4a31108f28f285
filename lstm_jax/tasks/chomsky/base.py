"""What a formal language is: sentences of any length, and the answer to each.

A sentence stands at the start of an array of N tokens, its answer at the start of one of A; what
follows them is padding.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from lstm_jax.tasks.draws import integers


class Sentence(NamedTuple):
    """What is read and what is to be said of it."""

    tokens: Int[Array, " N"]
    length: Int[Array, ""]
    """Tokens that are read."""
    answer: Int[Array, " A"]
    answered: Int[Array, ""]
    """Symbols of the answer."""


class Language(NamedTuple):
    """A formal language of Deletang et al. 2022."""

    symbols: str
    """How tokens are written."""
    answers: str
    """How the symbols of answers are written."""
    draw: Callable[[PRNGKeyArray, Int[Array, ""], int], Sentence]
    """A sentence of a length, at most the last argument, N."""
    chance: Callable[[Iterable[int]], float]
    """The error of always giving the commonest symbol, a mean over lengths."""
    longest_answer: Callable[[int], int] = lambda _: 1
    """A, of N."""
    shortest: int = 1
    """The shortest sentence there is."""


def one_of(count: int) -> Callable[[Iterable[int]], float]:
    """Chance where the answers are evenly spread over some symbols."""
    return lambda _: 1 - 1 / count


def same_length(longest: int) -> int:
    """The length of answers that are as long as the sentence."""
    return longest


def with_an_end(longest: int) -> int:
    """The length of answers that are at most as long as the sentence, and an end mark."""
    return longest + 1


def letters(key: PRNGKeyArray, count: int, longest: int) -> Int[Array, " N"]:
    """Any of the first `count` tokens, N times."""
    return integers(key, np.full(longest, count))


def within(length: Int[Array, ""], longest: int) -> Bool[Array, " N"]:
    """Where a sentence is."""
    return jnp.arange(longest) < length


def answered_by(
    tokens: Int[Array, " N"], length: Int[Array, ""], answer: Int[Array, ""] | Bool[Array, ""]
) -> Sentence:
    """A sentence whose answer is one symbol."""
    return Sentence(tokens, length, answer.astype(jnp.int32)[None], jnp.int32(1))
