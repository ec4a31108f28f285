"""Numbers of any size as bits: drawing them, sums, products and square roots.

Bits run from the least to the most significant unless said otherwise; what lies above a number is
zero.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

EXACT = 16
"""Numbers of at most 16 bits are evenly drawn; of longer ones the lowest 16 bits are never all
zero, which is uniform to within 2**-16."""


def positive(
    word: Int[Array, ""], bits: Int[Array, " N"], length: Int[Array, ""]
) -> Int[Array, " N"]:
    """A number from 1 to 2**length - 1, from a word below `words(length)` and random bits."""
    place = jnp.arange(len(bits))
    low = ((1 + word) >> jnp.minimum(place, EXACT)) & 1
    return jnp.where(place < length, jnp.where(place < EXACT, low, bits), 0)


def words(length: Int[Array, "*S"]) -> Int[Array, "*S"]:
    """How many different words `positive` takes for a number of some bits."""
    return (1 << jnp.minimum(length, EXACT)) - 1


def size(number: Int[Array, " N"]) -> Int[Array, ""]:
    """The number of bits without leading zeros; zero for zero."""
    return jnp.max(jnp.where(number > 0, 1 + jnp.arange(len(number)), 0))


def total(one: Int[Array, " N"], other: Int[Array, " N"]) -> Int[Array, " N"]:
    """The sum of two numbers, modulo 2**N."""

    def add(carry: Int[Array, ""], bits: Int[Array, ""]) -> tuple[Array, Array]:
        return (carry + bits) >> 1, (carry + bits) & 1

    return jax.lax.scan(add, jnp.int32(0), one + other)[1]


def product(one: Int[Array, " N"], other: Int[Array, " N"]) -> Int[Array, " N"]:
    """The product of two numbers, modulo 2**N; one bit of it with every bit of `one`."""

    def add(rest: Int[Array, " N"], bit: Int[Array, ""]) -> tuple[Array, Array]:
        rest = rest + bit * other  # counts that have not been carried
        return jnp.roll(rest.at[0].set(0), -1).at[0].add(rest[0] >> 1), rest[0] & 1

    return jax.lax.scan(add, jnp.zeros_like(other), one)[1]


def square_root(number: Int[Array, " N"], length: Int[Array, ""]) -> Int[Array, " R"]:
    """The integer part of the root of `length` bits, both from the most significant bit on.

    Digit by digit: with every two bits of the number comes one of the root, which is set where
    4 root + 1 can be taken from the remainder. R is N / 2, rounded up, of which as many bits are
    the root as `length` says.
    """
    steps = (len(number) + 1) // 2
    odd = length % 2  # a leading zero makes pairs of bits
    at = 2 * jnp.arange(steps)[:, None] + jnp.arange(2) - odd
    pairs = jnp.where((at >= 0) & (at < length), number[at], 0)
    width = steps + 3

    def take(
        state: tuple[Array, Array], pair: Int[Array, "2"]
    ) -> tuple[tuple[Array, Array], Array]:
        rest, root = state
        rest = jnp.roll(rest, 2).at[:2].set(pair[::-1])
        trial = jnp.roll(root, 2).at[:2].set(jnp.array([1, 0]))
        borrow = borrows(rest, trial)
        bit = jnp.where(borrow[-1], 0, 1)
        before = jnp.roll(borrow, 1).at[0].set(False).astype(jnp.int32)
        rest = jnp.where(bit, rest ^ trial ^ before, rest)
        return (rest, jnp.roll(root, 1).at[0].set(bit)), bit

    nothing = jnp.zeros(width, jnp.int32)
    return jax.lax.scan(take, (nothing, nothing), pairs)[1]


def borrows(one: Int[Array, " N"], other: Int[Array, " N"]) -> Bool[Array, " N"]:
    """Whether taking `other` from `one` borrows from above each bit.

    The highest bit, up to this one, at which they differ decides.
    """
    place = jnp.where(one != other, jnp.arange(len(one)), -1)
    last = jax.lax.cummax(place)
    return (last >= 0) & (one[last] < other[last])
