"""Arithmetic on bits against Python's integers, up to 500 bits."""

import math
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks.chomsky import binary

N = 500


def numbers(seed: int, most_bits: int) -> list[int]:
    """Of all sizes, and those whose carries and borrows go furthest."""
    random.seed(seed)
    extreme = [0, 1, 2**most_bits - 1, 2 ** (most_bits - 1), 2 ** (most_bits - 1) - 1]
    return extreme + [random.getrandbits(random.randint(1, most_bits)) for _ in range(15)]


def as_bits(values: list[int]) -> np.ndarray:
    return np.array([[value >> place & 1 for place in range(N)] for value in values], np.int32)


def as_numbers(bits: jax.Array) -> list[int]:
    return [sum(int(bit) << place for place, bit in enumerate(row)) for row in np.asarray(bits)]


def test_sums_and_products() -> None:
    one, other = numbers(0, 250), numbers(1, 249)[::-1]
    for function, oracle in ((binary.total, int.__add__), (binary.product, int.__mul__)):
        found = jax.jit(jax.vmap(function))(as_bits(one), as_bits(other))
        assert as_numbers(found) == [*map(oracle, one, other)]
    sizes = jax.vmap(binary.size)(as_bits(one))
    assert sizes.tolist() == [value.bit_length() for value in one]


@pytest.mark.parametrize("length", [N, N - 1])
def test_roots(length: int) -> None:
    squares = [root**2 + change for root in numbers(2, N // 2 - 1)[1:] for change in (-1, 0, 1)]
    values = squares + numbers(3, length)
    texts = [f"{value:0{length}b}".ljust(N, "1") for value in values]
    digits = np.array([[*map(int, text)] for text in texts], np.int32)
    root = jax.jit(jax.vmap(binary.square_root, (0, None)))
    found = np.asarray(root(digits, jnp.int32(length)))[:, : math.ceil(length / 2)]
    assert [int("".join(map(str, row)), 2) for row in found] == [*map(math.isqrt, values)]


def test_large_numbers_are_spread_over_all_bits_but_never_zero() -> None:
    length = jnp.int32(30)
    assert int(binary.words(length)) == 2**16 - 1
    assert int(binary.words(jnp.int32(3))) == 7
    low = as_numbers(binary.positive(jnp.int32(2**16 - 2), jnp.ones(N, jnp.int32), length)[None])
    assert low == [2**30 - 1]
    assert as_numbers(binary.positive(jnp.int32(0), jnp.zeros(N, jnp.int32), length)[None]) == [1]
