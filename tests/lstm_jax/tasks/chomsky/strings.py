"""What the tests of languages share: strings of a language as text, with their answers."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from lstm_jax.tasks.chomsky import LANGUAGES, Sentence

LONGEST = 60
COUNT = 4000
LENGTHS = np.arange(COUNT) % LONGEST + 1


@functools.cache
def _sampler(name: str) -> Callable[..., Any]:
    rules = LANGUAGES[name]
    return jax.jit(lambda keys, lengths: jax.vmap(rules.draw, (0, 0, None))(keys, lengths, LONGEST))


def drawn(name: str, lengths: Iterable[int] = LENGTHS, seed: int = 0) -> Sentence:
    """4000 strings, of the given lengths or of the shortest there is."""
    keys = jax.random.split(jax.random.key(seed), COUNT)
    lengths = np.maximum(np.broadcast_to(np.asarray(lengths), COUNT), LANGUAGES[name].shortest)
    return jax.tree.map(np.asarray, _sampler(name)(keys, lengths.astype(np.int32)))


def strings(name: str, lengths: Any = LENGTHS, seed: int = 0) -> list[tuple[str, str]]:
    """The same as text: what is read and what is answered."""
    rules, found = LANGUAGES[name], drawn(name, lengths, seed)
    return [
        (
            "".join(rules.symbols[s] for s in tokens[:length]),
            "".join(rules.answers[s] for s in answer[:answered]),
        )
        for tokens, length, answer, answered in zip(*found, strict=True)
    ]


def assert_answers(name: str, oracle: Callable[[str], str]) -> None:
    """Every string, of lengths up to 60, has the answer of a slow and independent oracle."""
    told = strings(name)
    lengths = np.maximum(LENGTHS, LANGUAGES[name].shortest)
    if name == "modular_arithmetic":
        lengths = lengths - 1 + lengths % 2
    assert [len(text) for text, _ in told] == lengths.tolist()
    assert [(text, oracle(text)) for text, _ in told] == told


def assert_chance(name: str) -> None:
    """No symbol given all the time errs less than chance, a mean over lengths; up to the end marks
    of answers, which are one symbol of about 30.
    """
    lengths = 31 + np.arange(COUNT) % 30
    found, rules = drawn(name, lengths, seed=2), LANGUAGES[name]
    told = np.arange(found.answer.shape[1]) < found.answered[:, None]
    right = [
        (((found.answer == symbol) & told).sum(1) / found.answered).mean()
        for symbol in range(len(rules.answers))
    ]
    noise = 4 * 0.5 / COUNT**0.5
    assert abs(1 - max(right) - rules.chance(range(31, 61))) < noise + 0.04 * ("$" in rules.answers)
