"""Stories against readers in plain Python, and how they are spread."""

import collections
import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Stories, Window
from lstm_jax.tasks.stories import WORDS, code
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade

COUNT = 3000
KINDS = ("agreement", "origin", "room")


@functools.cache
def told(story: str, distance: int) -> list[tuple[str, str]]:
    task = Stories(story, distance)
    batch = jax.tree.map(np.asarray, draw(task, COUNT, seed=1))
    assert batch.lengths is None
    assert (batch.weights == (np.arange(len(batch.inputs)) == len(batch.inputs) - 1)[:, None]).all()
    texts = map(task.words, batch.inputs.T)
    return list(zip(texts, map(task.words, batch.targets[-1:].T), strict=True))


def read_agreement(text: str) -> str:
    noun = text.split()[1]
    verb = {"dog": "bark", "cat": "meow", "bird": "sing", "horse": "neigh"}[noun.rstrip("s")]
    return verb if noun.endswith("s") else verb + "s"


def read_origin(text: str) -> str:
    (country,) = re.findall("grew up in ([a-z]+) [.]", text)
    return {
        "france": "french", "spain": "spanish", "italy": "italian",
        "greece": "greek", "poland": "polish", "russia": "russian",
    }[country]  # fmt: skip


def read_room(text: str) -> str:
    guest_of: dict[str, str] = {}
    *sentences, question = text.split(" . ")
    for sentence in sentences:
        name, room = re.fullmatch("([a-z]+) enters the ([a-z]+)", sentence).groups()
        guest_of[room] = name
    return guest_of[re.fullmatch("who is in the ([a-z]+)", question)[1]]


READERS = {"agreement": read_agreement, "origin": read_origin, "room": read_room}
PATTERNS = {
    "agreement": "the [a-z]+( (near|behind|under|beside) the [a-z]+){%d}",
    "origin": r"[a-z]+ grew up in [a-z]+ \.( she (visited|likes) [a-z]+ \.){%d} she speaks fluent",
    "room": r"([a-z]+ enters the [a-z]+ \. ){%d}who is in the [a-z]+",
}


@pytest.mark.parametrize("story", KINDS)
@pytest.mark.parametrize("distance", [1, 6])
def test_answers_are_those_of_a_reader(story: str, distance: int) -> None:
    sentences = distance + (story == "room")
    for text, answer in told(story, distance):
        assert re.fullmatch(PATTERNS[story] % sentences, text)
        assert answer == READERS[story](text)


@pytest.mark.parametrize(
    "story, answers",
    [
        ("agreement", "bark barks meow meows sing sings neigh neighs"),
        ("origin", "french spanish italian greek polish russian"),
        ("room", "anna bella clara dora eva fay"),
    ],
)
def test_answers_are_evenly_spread_and_chance_is_that_of_any(story: str, answers: str) -> None:
    found = collections.Counter(answer for _, answer in told(story, 3))
    assert_distributed(found, even(answers.split()))
    assert Stories(story, 3).chance == pytest.approx(1 - 1 / len(answers.split()))


def test_guests_stay_for_any_number_of_sentences_up_to_the_distance() -> None:
    ages = collections.Counter()
    for text, _ in told("room", 3):
        *sentences, question = text.split(" . ")
        rooms = [sentence.split()[-1] for sentence in sentences]
        ages[rooms[::-1].index(question.split()[-1])] += 1
    assert_distributed(ages, even(range(4)))


def test_facts_are_overwritten() -> None:
    texts = [text for text, _ in told("room", 6)]
    again = [text for text in texts if text.count(text.split()[-1]) > 2]
    assert len(again) > COUNT / 4


def test_other_nouns_and_countries_are_of_the_same_kind() -> None:
    texts = [text.split() for text, _ in told("agreement", 1)]
    nouns = [
        noun + s
        for noun in ("dog", "cat", "bird", "horse", "house", "tree", "car", "hill")
        for s in ("", "s")
    ]
    assert_distributed(collections.Counter(words[4] for words in texts), even(nouns))
    pairs = collections.Counter((words[1], words[2]) for words in texts)
    subjects = [n + s for n in ("dog", "cat", "bird", "horse") for s in ("", "s")]
    links = ("near", "behind", "under", "beside")
    assert_distributed(pairs, even(itertools.product(subjects, links)))
    objects = collections.Counter(text.split()[8] for text, _ in told("origin", 1))
    known = "france spain italy greece poland russia tea music chess bread films snow"
    assert_distributed(objects, even(known.split()))
    for text, _ in told("origin", 1):
        words = text.split()
        assert (words[7] == "visited") == (words[8] in known.split()[:6])


@pytest.mark.parametrize("story", KINDS)
def test_lag_runs_from_the_word_that_counts_to_the_answer(story: str) -> None:
    task = Stories(story, 2)
    for text, answer in told(story, 2)[:300]:
        words = text.split()
        counts = {"agreement": 1, "origin": 4, "room": 0}[story]
        if story != "room" or (words[0] == answer and words[3] not in words[4:-1]):
            assert len(words) - counts == task.lag


def test_a_story_is_right_by_its_last_word() -> None:
    task = Stories("room", 2)
    batch = draw(task, 4)
    right = 5.0 * jax.nn.one_hot(batch.targets, len(WORDS))
    scores = grade(task, right.at[-1, 2].multiply(-1.0).at[:-1].multiply(-1.0), batch)
    assert scores.correct.tolist() == [True, True, False, True]
    assert scores.error.tolist() == [0, 0, 1, 0]
    assert task.criterion == Window(sequences=1000, max_wrong=10)


def test_the_vocabulary_is_fixed_and_readable() -> None:
    assert len(set(WORDS)) == len(WORDS) == Stories("room", 1).input_size
    text = "anna enters the kitchen ."
    assert Stories("room", 1).words(jnp.asarray(code(text))) == text
