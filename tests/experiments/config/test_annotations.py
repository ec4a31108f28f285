"""Annotations taken apart."""

from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Lt

from experiments.config import annotations as an
from lstm_jax.checks import Fraction, Settings, Size
from lstm_jax.initializers import Chrono, ForgetBias


@pytest.mark.parametrize(
    "annotation, words",
    [
        (int, "an integer"),
        (Size, "an integer"),
        (float | None, "a number or null"),
        (bool, "true or false"),
        (str, "text"),
        (Literal["a", 1, True], "one of 'a', 1, true"),
        (Literal["a"], "'a'"),
        (tuple[int, ...], "a list"),
        (ForgetBias | Chrono | None, "a section of keys and values or null"),
        (Annotated[int | Literal["all"], Ge(2)], "an integer or 'all'"),
    ],
)
def test_what_a_value_must_be(annotation: Any, words: str) -> None:
    assert an.describe(annotation) == words


def test_a_union_hands_its_ranges_down() -> None:
    found = an.alternatives(Annotated[Size | float | None, Lt(9)])
    assert found == (Annotated[Size, Lt(9)], Annotated[float, Lt(9)], type(None))


@pytest.mark.parametrize(
    "annotation, values",
    [
        (int, [3]),
        (Size, [3, -3]),
        (float, [3, 2.5, float("nan")]),
        (Fraction, [3, 2.5]),
        (bool, [True]),
        (str, ["", "a"]),
        (None, [None]),
        (tuple[int, ...], [[], ["x"]]),
        (Literal["a", 1], ["a", 1]),
    ],
)
def test_which_values_fit(annotation: Any, values: list[Any]) -> None:
    everything = [*values, "b", 4, 2.25, False, None, [1], {}]
    kinds = {type(value) for value in values}
    if an.is_choice(annotation):
        expected = values
    else:
        expected = [value for value in everything if type(value) in kinds]
    assert [value for value in everything if an.fits(value, annotation)] == expected


def test_choices_beside_null() -> None:
    assert an.choices(Literal["a", "b"] | Literal[3] | None) == ("a", "b", 3)
    assert an.choices(Literal["a"] | int) == ()


def test_items_of_lists() -> None:
    assert an.item(tuple[Size, ...], 7) == Size
    assert an.item(tuple[int, str], 1) is str


def test_settings_are_told_from_other_classes() -> None:
    assert an.is_settings(Chrono)
    assert an.is_settings(Settings)
    assert not an.is_settings(int)
    assert not an.is_settings(Chrono | None)
