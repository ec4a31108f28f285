"""Gates and states stand under what passes."""

import numpy as np

from experiments.report.album import Album
from experiments.report.page import Picture
from experiments.report.probing import Example, Inside
from experiments.report.sections.gates import gates, signals_of
from lstm_jax.tasks import Copying
from lstm_jax.tasks import Text as TextTask


def test_the_marks_of_adding_are_told(inside: Inside, album: Album) -> None:
    signals, events, told = signals_of(inside)
    assert list(signals[0].values) == ["value", "marker"]
    assert len(events) == 2
    assert np.asarray(signals[0].values["marker"])[events].tolist() == [1, 1]
    assert f"{events[0]} and {events[1]}" in told
    (picture,) = gates([inside], album).blocks
    assert isinstance(picture, Picture)
    assert "forget gate f" in picture.alt
    assert "has not been trained on this sequence" in picture.caption


def test_copying_shows_symbols_and_counts_the_wrong_ones(inside: Inside) -> None:
    task = Copying("arjovsky2016", gap=5)
    inputs = np.array([3, 1, 2, 4, 5, 6, 7, 8, 1, 2, 0, 0, 0, 0, 9, *[0] * 10])
    targets = np.array([*[0] * 15, *inputs[:10]])
    outputs = np.eye(9)[np.where(np.arange(25) == 16, 0, targets)]
    example = Example(inputs, targets, outputs, inside.example.traces)
    signals, events, told = signals_of(inside._replace(task=task, example=example))
    assert events == [14]
    assert "it has 1 of them wrong" in told
    assert all(signal.tokens for signal in signals)


def test_a_text_is_shown_with_what_was_expected(inside: Inside, album: Album) -> None:
    task = TextTask("abc <&>\n" * 200, window=8, held_out=0.5, target_bits=1.0)
    codes = task.codes[:31]
    outputs = np.eye(task.output_size)[codes[1:]] * 5.0
    traces = ({"c": np.random.default_rng(0).normal(size=(30, 3))},)
    example = Example(codes[:-1], codes[1:], outputs, traces)
    (picture,) = gates([inside._replace(task=task, example=example)], album).blocks
    assert isinstance(picture, Picture)
    assert "right 30 of 30 times" in picture.alt
