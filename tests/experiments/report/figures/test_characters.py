"""A text as its model reads it: characters, guesses, surprise."""

import numpy as np

from experiments.report.figures.characters import TOP, Reading, read_text, visible

ALPHABET = "\n abc<"


def reading(text: str = "ab<\nc ", following: str = "b<\nc a") -> Reading:
    rng = np.random.default_rng(0)
    odds = rng.dirichlet(np.ones(len(ALPHABET)), len(text))
    return Reading(text, following, odds, ALPHABET)


def test_the_likeliest_come_first_and_the_right_one_is_bold() -> None:
    shown = reading()
    figure = read_text(shown, {"c": np.random.default_rng(1).normal(size=(6, 300))})
    panel = figure.axes[0]
    cells = {(t.get_position()[0], t.get_position()[1]): t for t in panel.texts}
    assert len(cells) == 6 * (1 + TOP)
    for step in range(6):
        assert cells[step, 0].get_text() == visible(shown.text[step])
        order = np.argsort(-shown.probabilities[step], kind="stable")
        for row in range(TOP):
            guess = ALPHABET[order[row]]
            cell = cells[step, row + 1]
            assert cell.get_text() == visible(guess)
            assert (cell.get_weight() == "bold") == (guess == shown.following[step])


def test_surprise_is_in_bits() -> None:
    shown = reading()
    figure = read_text(shown, {"c": np.zeros((6, 2))})
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    expected = [
        -np.log2(shown.probabilities[step, ALPHABET.index(c)])
        for step, c in enumerate(shown.following)
    ]
    np.testing.assert_allclose(heights, expected)


def test_an_alphabet_of_two_has_two_guesses() -> None:
    figure = read_text(Reading("ab", "ba", np.full((2, 2), 0.5), "ab"), {"h": np.zeros((2, 2))})
    assert len(figure.axes[0].texts) == 2 * 3
