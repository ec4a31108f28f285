"""Sums, differences and products in brackets, modulo 5: drawing one of a given length, and its
value.

    length 1  d      2  -d      3  (d)      4  (-d)
    length n  (left operator right), where left takes 1 to n - 4 symbols, evenly drawn, and right
              the n - 3 - left that are left

Source: Deletang et al. 2022, by the authors' code.
"""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray, UInt

MODULUS = 5
PLUS, MINUS, OPEN, CLOSE, TIMES = range(MODULUS, MODULUS + 5)
"""Tokens; a number stands for itself."""


def expression(
    key: PRNGKeyArray, length: Int[Array, ""], longest: int, operators: int
) -> Int[Array, "{longest}"]:
    """An expression of `length` tokens with the first `operators` of +, - and *.

    It is written from left to right. What is still to come lies on a stack: n > 0 for an expression
    of n tokens, zero for a closing bracket, -n for an operator and an expression of n.
    """
    signs = jnp.array([PLUS, MINUS, TIMES])

    def write(
        state: tuple[Array, Array], word: UInt[Array, ""]
    ) -> tuple[tuple[Array, Array], Array]:
        stack, depth = state
        n = stack[depth - 1]
        odds = jnp.where(n < 0, operators, jnp.where(n == 1, MODULUS, jnp.maximum(n - 4, 1)))
        drawn = (word % odds.astype(jnp.uint32)).astype(jnp.int32)
        token = jnp.select(
            [n < 0, n == 0, n == 1, n == 2], [signs[drawn], CLOSE, drawn, MINUS], OPEN
        )
        lowest = jnp.select([n < 0, n == 2], [-n, 1], 0)
        between = jnp.where(n >= 5, drawn + 4 - n, n - 2)
        more = jnp.select([n >= 5, n >= 3, (n == 0) | (n == 1)], [2, 1, -1], 0)
        rest = jnp.stack([lowest, between, drawn + 1])  # what is not pushed lies above the top
        stack = jax.lax.dynamic_update_slice(stack, rest, (depth - 1,))
        return (stack, jnp.where(depth > 0, depth + more, 0)), token

    stack = jnp.zeros(longest // 2 + 4, jnp.int32).at[0].set(length)
    words = jax.random.bits(key, (longest,), jnp.uint32)
    return jax.lax.scan(write, (stack, jnp.int32(1)), words)[1]


def value(tokens: Int[Array, " N"], length: Int[Array, ""]) -> Int[Array, ""]:
    """The value of the first `length` tokens modulo 5, read from left to right.

    Every open bracket has a frame: the value so far and the operator that comes next. A sign may
    stand before a number alone, as in the expressions above.
    """
    # a plus behind the end changes no value
    tokens = jnp.where(jnp.arange(len(tokens)) < length, tokens, PLUS)

    def read(
        state: tuple[Array, Array, Array, Array], token: Int[Array, ""]
    ) -> tuple[tuple[Array, Array, Array, Array], None]:
        frames, depth, negative, operand_before = state
        number, opens, closes = token < MODULUS, token == OPEN, token == CLOSE
        operator = ~(number | opens | closes)
        operand = jnp.where(closes, frames[depth, 0], jnp.where(negative, -token, token))
        depth = depth + opens.astype(jnp.int32) - closes.astype(jnp.int32)
        so_far, sign = frames[depth]
        combined = jnp.select(
            [sign == PLUS, sign == MINUS], [so_far + operand, so_far - operand], so_far * operand
        )
        frame = jnp.stack(
            [
                jnp.select([opens, operator], [0, so_far], combined % MODULUS),
                jnp.select([opens, operator & operand_before], [PLUS, token], sign),
            ]
        )
        negative = (token == MINUS) & ~operand_before
        return (frames.at[depth].set(frame), depth, negative, number | closes), None

    frames = jnp.zeros((len(tokens) // 2 + 2, 2), jnp.int32).at[0, 1].set(PLUS)
    state = (frames, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))
    return jax.lax.scan(read, state, tokens)[0][0][0, 0]


def chance_with_products(lengths: Iterable[int]) -> float:
    """The error of always saying zero, which products make the commonest value.

    All other values are equally likely, as they are for each number, and stay so; the odds of zero
    follow from those of left and right.
    """
    lengths = list(lengths)
    zero = np.full(max(max(lengths), 4) + 1, 1 / MODULUS)
    for n in range(5, len(zero)):
        left = zero[1 : n - 3]
        right = left[::-1]
        of_sums = left * right + (1 - left) * (1 - right) / (MODULUS - 1)
        of_products = left + right - left * right
        zero[n] = (2 * of_sums + of_products).mean() / 3
    return float(1 - zero[lengths].mean())
