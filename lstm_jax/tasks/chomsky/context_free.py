"""Deterministic context-free languages, which an automaton with a stack solves.

    reverse_string               0 0 1         backwards                      1 0 0
    stack_manipulation           0 1 ^ a       the stack, from its top, after 0 0 $
                                               pushing 0 and 1, popping (^), pushing 0 (a) or 1 (b)
    modular_arithmetic_brackets  ( 2 * ( 4 ) ) the value modulo 5             3
    solve_equation               ( x - 3 ) = 4 x modulo 5                     2

Source: Deletang et al. 2022 and the authors' code: the stack of stack_manipulation has from 1 to
n - 1 symbols ahead of its actions; popping an empty stack does nothing; $ ends the answer. There it
is filled up to n + 1 symbols, which count in the loss but not in the score; here they count in
neither. Equations have no products; x stands for the first number at or behind a place evenly
drawn, round the end.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from lstm_jax.tasks.chomsky.base import (
    Language,
    Sentence,
    answered_by,
    letters,
    one_of,
    same_length,
    with_an_end,
)
from lstm_jax.tasks.chomsky.expressions import MODULUS, chance_with_products, expression, value
from lstm_jax.tasks.draws import integers

POP = 2
END = 2
"""The last symbol of an answer of a length that has to be found."""
X, EQUALS = 9, 10


def reverse_string(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The letters from the last to the first."""
    tokens = letters(key, 2, longest)
    return Sentence(tokens, length, tokens[length - 1 - jnp.arange(longest)], length)


def stack_manipulation(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """What lies on a stack after some actions, from top to bottom."""
    time = jnp.arange(longest)
    drawn = integers(key, jnp.full(longest + 1, 6).at[-1].set(jnp.maximum(length - 1, 1)))
    given = time < 1 + drawn[-1]
    tokens = jnp.where(given, drawn[:-1] % 2, POP + drawn[:-1] % 3)
    pushes = (tokens != POP) & (time < length)
    balance = jnp.cumsum(jnp.where(pushes, 1, -1))
    # popping an empty stack does nothing: the lowest balance below zero is never taken back
    depth = balance - jnp.minimum(jax.lax.cummin(balance), 0)
    height = depth[length - 1]
    last = jnp.full(longest, -1).at[depth - 1].max(jnp.where(pushes, time, -1))
    symbols = jnp.where(given, tokens, tokens - POP - 1)
    place = jnp.arange(longest + 1)
    answer = jnp.where(place < height, symbols[last[height - 1 - place]], END)
    return Sentence(tokens, length, answer, height + 1)


def modular_arithmetic_brackets(
    key: PRNGKeyArray, length: Int[Array, ""], longest: int
) -> Sentence:
    """The value of an expression in brackets."""
    tokens = expression(key, length, longest, operators=3)
    return answered_by(tokens, length, value(tokens, length))


def solve_equation(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The number of an expression that makes it equal to its value."""
    key_place, key_expression = jax.random.split(key)
    size = length - 2
    tokens = expression(key_expression, size, longest, operators=2)
    result = value(tokens, size)
    time = jnp.arange(longest)
    start = integers(key_place, size[None])[0]
    number = (tokens < MODULUS) & (time < size)
    x = jnp.argmin(jnp.where(number, (time - start) % size, longest))
    answer = tokens[x]
    equation = jnp.select([time == x, time == size, time == size + 1], [X, EQUALS, result], tokens)
    return answered_by(equation, length, answer)


CONTEXT_FREE = {
    "reverse_string": Language("01", "01", reverse_string, one_of(2), same_length),
    "stack_manipulation": Language("01^ab", "01$", stack_manipulation, one_of(2), with_an_end),
    "modular_arithmetic_brackets": Language(
        "01234+-()*", "01234", modular_arithmetic_brackets, chance_with_products
    ),
    "solve_equation": Language("01234+-()x=", "01234", solve_equation, one_of(MODULUS), shortest=3),
}
"""The deterministic context-free languages by name."""
