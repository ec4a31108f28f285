"""Stories: small texts that end in a word which follows from something said long before.

    agreement  the dogs near the house behind the cats                  bark
    origin     anna grew up in france . she visited spain .
               she likes tea . she speaks fluent                        french
    room       bella enters the kitchen . anna enters the garden .
               clara enters the kitchen . dora enters the garden .
               who is in the kitchen                                    clara

What comes in between is of the same kind as what counts: other nouns, other countries, other rooms
and earlier guests. A guest stays until the next one enters the room: a fact is stored, overwritten
and recalled.

The first is after Linzen, Dupoux & Goldberg 2016, who took sentences from a corpus; the others are
the examples that textbooks give for long dependencies, in the manner of Weston et al. 2015 (bAbI).
"""

import dataclasses
from collections.abc import Iterable
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import Size
from lstm_jax.tasks.base import Batch, SampledTask, Scores, Window, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong

SINGULAR = "dog cat bird horse house tree car hill"
PLURAL = "dogs cats birds horses houses trees cars hills"
VERBS = "barks meows sings neighs bark meow sing neigh"
"""What the first four nouns do, alone and in number."""
PREPOSITIONS = "near behind under beside"
COUNTRIES = "france spain italy greece poland russia"
LANGUAGES = "french spanish italian greek polish russian"
THINGS = "tea music chess bread films snow"
PEOPLE = "anna bella clara dora eva fay"
ROOMS = "kitchen garden hall attic"
OTHERS = "the grew up in . she visited likes speaks fluent enters who is"

GROUPS = [SINGULAR, PLURAL, VERBS, PREPOSITIONS, COUNTRIES]
GROUPS += [LANGUAGES, THINGS, PEOPLE, ROOMS, OTHERS]
WORDS = tuple(" ".join(GROUPS).split())
"""The vocabulary of all stories; a token is a place in it."""

SPEAKERS = 4
"""Nouns that have a verb of their own."""


def code(words: str) -> Int[np.ndarray, " N"]:
    """The tokens of some words.

    >>> code("dog cat").tolist()
    [0, 1]
    """
    return np.array([WORDS.index(word) for word in words.split()], np.int32)


@dataclasses.dataclass(frozen=True)
class Stories(Written, SampledTask):
    """Find the word that follows from something said long before.

    Args:
        story: agreement of a verb with its subject, the language of a country of origin, or who is
            in a room.
        distance: the phrases (agreement) or sentences that stand between what counts and the
            question. In the room story this is the most there are; each number is equally likely.

    The last word is asked for when all others have been read. Outputs stand for all words of the
    vocabulary. Chance is that of any answer of the story. Solved when at most 10 of the last 1000
    stories are ended wrongly.

    >>> from jax.random import key
    >>> task = Stories("agreement", distance=2)
    >>> batch = task.sample(key(5), 1)
    >>> task.words(batch.inputs[:, 0]), task.words(batch.targets[-1:, 0])
    ('the dog under the houses beside the house', 'barks')
    """

    story: Literal["agreement", "origin", "room"]
    distance: Size

    error_name = "share of answers wrong"
    criterion = Window(sequences=1000, max_wrong=10)
    symbols = WORDS

    def words(self, tokens: Iterable[int] | Int[Array, " N"] | Int[np.ndarray, " N"]) -> str:
        """The text of some tokens."""
        return " ".join(WORDS[int(token)] for token in tokens)

    @property
    def lag(self) -> int:
        """The words from the one that counts to the answer."""
        before, each, after = {"agreement": (0, 3, 0), "origin": (1, 4, 3), "room": (4, 5, 5)}[
            self.story
        ]
        return 1 + before + each * self.distance + after

    @property
    def chance(self) -> float:
        answers = {"agreement": VERBS, "origin": LANGUAGES, "room": PEOPLE}
        return 1 - 1 / len(code(answers[self.story]))

    def sequence(self, key: PRNGKeyArray) -> Batch:
        tell = {"agreement": self._agreement, "origin": self._origin, "room": self._room}
        story, answer = tell[self.story](key)
        last = jnp.arange(len(story)) == len(story) - 1
        return Batch(
            inputs=story,
            targets=jnp.where(last, answer, 0),
            weights=last.astype(jnp.float32),
            lengths=None,
        )

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)

    def _agreement(self, key: PRNGKeyArray) -> tuple[Int[Array, " T"], Int[Array, ""]]:
        nouns, links = jnp.asarray(code(f"{SINGULAR} {PLURAL}")), jnp.asarray(code(PREPOSITIONS))
        drawn = integers(key, [2, SPEAKERS] + [links.size, nouns.size] * self.distance)
        number, who = drawn[0], drawn[1]
        link, other = drawn[2:].reshape(-1, 2).T
        start = _sentences(*code("the"), nouns.reshape(2, -1)[number, who])
        phrases = _sentences(links[link], *code("the"), nouns[other])
        verb = jnp.asarray(code(VERBS)).reshape(2, -1)[number, who]
        return jnp.concatenate([start, phrases]), verb

    def _origin(self, key: PRNGKeyArray) -> tuple[Int[Array, " T"], Int[Array, ""]]:
        people, countries = jnp.asarray(code(PEOPLE)), jnp.asarray(code(COUNTRIES))
        objects = jnp.asarray(code(f"{COUNTRIES} {THINGS}"))
        drawn = integers(key, [people.size, countries.size] + [objects.size] * self.distance)
        who, where, what = drawn[0], drawn[1], drawn[2:]
        visited, likes = code("visited likes")
        verb = jnp.where(what < countries.size, visited, likes)
        story = [
            _sentences(people[who], *code("grew up in"), countries[where], *code(".")),
            _sentences(*code("she"), verb, objects[what], *code(".")),
            jnp.asarray(code("she speaks fluent")),
        ]
        return jnp.concatenate(story), jnp.asarray(code(LANGUAGES))[where]

    def _room(self, key: PRNGKeyArray) -> tuple[Int[Array, " T"], Int[Array, ""]]:
        rooms, people = jnp.asarray(code(ROOMS)), jnp.asarray(code(PEOPLE))
        count = self.distance + 1
        odds = [count, rooms.size] + [rooms.size, rooms.size - 1, people.size] * count
        drawn = integers(key, odds)
        place, asked = self.distance - drawn[0], drawn[1]
        any_room, other, guest = drawn[2:].reshape(-1, 3).T
        another = other + (other >= asked).astype(jnp.int32)
        sentence = jnp.arange(count)
        room = jnp.select([sentence < place, sentence > place], [any_room, another], asked)
        story = [
            _sentences(people[guest], *code("enters the"), rooms[room], *code(".")),
            _sentences(*code("who is in the"), rooms[asked]),
        ]
        return jnp.concatenate(story), people[guest[place]]


def _sentences(*words: Array | np.ndarray | np.int32) -> Int[Array, " T"]:
    """Sentences of so many words, one after another; a single word is that of all of them."""
    columns = jnp.broadcast_arrays(*map(jnp.asarray, words))
    return jnp.stack(columns, axis=-1).ravel()
