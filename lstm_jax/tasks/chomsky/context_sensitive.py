"""Context-sensitive languages, which an automaton with a tape solves.

    duplicate_string          0 1 1            twice                        0 1 1 0 1 1
    missing_duplicate_string  0 1 1 0 _ 1      the missing symbol           1
                                               of two copies
    odds_first                0 0 1 1 0        the 1st, 3rd, 5th ... letter 0 1 0 0 1
                                               and then the 2nd, 4th ...
    binary_addition           0 1 + 1 1        the sum, lowest bit first    1 0 1 $
    binary_multiplication     0 1 * 1 1        the product, likewise        0 1 1 $
    compute_sqrt              1 0 0 1 0 1      the root of 37, rounded      1 1 0
                                               down, highest bit first
    bucket_sort               2 4 0 2          sorted                       0 2 2 4

Source: Deletang et al. 2022 and the authors' code. Odds first follows the paper; the code gives the
2nd, 4th ... letter first. The copies of an odd length are followed by a dot. Numbers are positive
and split at a place evenly drawn; their answers end with $ and are filled up to n + 1 (product: n)
symbols, which count in the loss but not in the score; here they count in neither. Sentences too
short to have an answer, which the code fills with constants, are not drawn.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from lstm_jax.tasks.chomsky import binary
from lstm_jax.tasks.chomsky.base import (
    Language,
    Sentence,
    answered_by,
    letters,
    one_of,
    same_length,
    with_an_end,
)
from lstm_jax.tasks.draws import integers

BUCKETS = 5
OPERATOR = 2
END = 2
MISSING, DOT = 2, 3


def duplicate_string(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The letters twice."""
    tokens = letters(key, 2, longest)
    return Sentence(tokens, length, tokens[jnp.arange(2 * longest) % length], 2 * length)


def missing_duplicate_string(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The letter that one of two copies lacks."""
    half = length // 2
    drawn = integers(key, jnp.full(longest + 1, 2).at[-1].set(2 * half))
    time = jnp.arange(longest)
    place = drawn[-1]
    twice = drawn[time % half]
    tokens = jnp.select([time == place, time >= 2 * half], [MISSING, DOT], twice)
    return answered_by(tokens, length, twice[place])


def odds_first(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The letters at odd places, counted from 1, and then those at even places."""
    tokens = letters(key, 2, longest)
    place, odds = jnp.arange(longest), (length + 1) // 2
    source = jnp.where(place < odds, 2 * place, 2 * (place - odds) + 1)
    return Sentence(tokens, length, tokens[source], length)


def bucket_sort(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The letters in their order."""
    tokens = letters(key, BUCKETS, longest)
    time = jnp.arange(longest)
    ends = jnp.cumsum(
        ((tokens == jnp.arange(BUCKETS)[:, None]) & (time < length)).sum(axis=1)
    )  # of each letter in the answer
    return Sentence(tokens, length, (time[:, None] >= ends[:-1]).sum(axis=1), length)


def binary_addition(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The sum of two numbers."""
    tokens, one, other = _two_numbers(key, length, longest)
    return _with_an_end(tokens, length, binary.total(one, other))


def binary_multiplication(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The product of two numbers."""
    tokens, one, other = _two_numbers(key, length, longest)
    return _with_an_end(tokens, length, binary.product(one, other))


def compute_sqrt(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The root of a number, rounded down."""
    drawn = integers(key, jnp.full(longest + 1, 2).at[-1].set(binary.words(length)))
    number = binary.positive(drawn[-1], drawn[:-1], length)
    tokens = number[length - 1 - jnp.arange(longest)]
    return Sentence(tokens, length, binary.square_root(tokens, length), (length + 1) // 2)


def _two_numbers(
    key: PRNGKeyArray, length: Int[Array, ""], longest: int
) -> tuple[Int[Array, " N"], Int[Array, " N"], Int[Array, " N"]]:
    """A sentence of two numbers, and the numbers."""
    key_split, key_numbers = jax.random.split(key)
    size_one = 1 + integers(key_split, (length - 2)[None])[0]
    size_other = length - 1 - size_one
    below = jnp.full((2, longest + 1), 2)
    below = below.at[:, -1].set(binary.words(jnp.stack([size_one, size_other])))
    drawn = integers(key_numbers, below.ravel()).reshape(below.shape)
    one = binary.positive(drawn[0, -1], drawn[0, :-1], size_one)
    other = binary.positive(drawn[1, -1], drawn[1, :-1], size_other)
    time = jnp.arange(longest)
    tokens = jnp.select(
        [time < size_one, time == size_one], [one, OPERATOR], other[time - size_one - 1]
    )
    return tokens, one, other


def _with_an_end(
    tokens: Int[Array, " N"], length: Int[Array, ""], number: Int[Array, " N"]
) -> Sentence:
    """A sentence and a number for its answer."""
    bits = binary.size(number)
    answer = jnp.append(number, 0).at[bits].set(END)
    return Sentence(tokens, length, answer, bits + 1)


CONTEXT_SENSITIVE = {
    "duplicate_string": Language("01", "01", duplicate_string, one_of(2), lambda n: 2 * n),
    "missing_duplicate_string": Language(
        "01_.", "01", missing_duplicate_string, one_of(2), shortest=2
    ),
    "odds_first": Language("01", "01", odds_first, one_of(2), same_length),
    "binary_addition": Language("01+", "01$", binary_addition, one_of(2), with_an_end, shortest=3),
    "binary_multiplication": Language(
        "01*", "01$", binary_multiplication, one_of(2), with_an_end, shortest=3
    ),
    "compute_sqrt": Language("01", "01", compute_sqrt, one_of(2), lambda n: (n + 1) // 2),
    "bucket_sort": Language("01234", "01234", bucket_sort, one_of(BUCKETS), same_length),
}
"""The context-sensitive languages by name."""
