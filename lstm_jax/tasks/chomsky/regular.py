"""Regular languages, which a finite automaton solves.

    even_pairs          0 1 0 0 1 0  is the number of 01 and 10 odd?        0
    modular_arithmetic  1 + 2 * 3    the value modulo 5                     2
    parity_check        0 1 1 0 1    is the number of 1 odd?                1
    cycle_navigation    + + 0 - +    the place on a circle of 5, after      2
                                     steps forth, back and none, from 0

Source: Deletang et al. 2022. Products go before sums. As the operators of modular arithmetic stand
between numbers, its sentences of an even length are one shorter, as in the authors' code.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from lstm_jax.tasks.chomsky.base import Language, Sentence, answered_by, letters, one_of, within
from lstm_jax.tasks.draws import integers

MODULUS = 5
PLUS, MINUS, TIMES = range(3)


def even_pairs(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """Odd if and only if the last letter is not the first."""
    tokens = letters(key, 2, longest)
    return answered_by(tokens, length, tokens[0] != tokens[length - 1])


def parity_check(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """Whether the number of ones is odd."""
    tokens = letters(key, 2, longest)
    return answered_by(tokens, length, jnp.where(within(length, longest), tokens, 0).sum() % 2)


def cycle_navigation(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The sum of the steps, round the circle."""
    tokens = letters(key, 3, longest)
    steps = jnp.where(within(length, longest), tokens - 1, 0)
    return answered_by(tokens, length, steps.sum() % MODULUS)


def modular_arithmetic(key: PRNGKeyArray, length: Int[Array, ""], longest: int) -> Sentence:
    """The value of sums, differences and products without brackets."""
    length = length - 1 + length % 2
    odd = np.arange(longest) % 2 == 1
    drawn = integers(key, np.where(odd, 3, MODULUS))
    numbers = drawn[::2]
    operators = jnp.concatenate([jnp.array([PLUS]), drawn[1::2]])[: len(numbers)]
    used = 2 * jnp.arange(len(numbers)) < length

    def read(
        state: tuple[Array, Array], step: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        (total, term), (operator, number, used) = state, step
        times = operator == TIMES
        signed = jnp.where(operator == MINUS, -number, number)
        total_after = jnp.where(times, total, (total + term) % MODULUS)
        term_after = jnp.where(times, term * number, signed) % MODULUS
        return (jnp.where(used, total_after, total), jnp.where(used, term_after, term)), None

    zero = jnp.int32(0)
    (total, term), _ = jax.lax.scan(read, (zero, zero), (operators, numbers, used))
    return answered_by(jnp.where(odd, MODULUS + drawn, drawn), length, (total + term) % MODULUS)


REGULAR = {
    "even_pairs": Language("01", "01", even_pairs, one_of(2)),
    "modular_arithmetic": Language("01234+-*", "01234", modular_arithmetic, one_of(MODULUS)),
    "parity_check": Language("01", "01", parity_check, one_of(2)),
    "cycle_navigation": Language("-0+", "01234", cycle_navigation, one_of(MODULUS)),
}
"""The regular languages by name."""
