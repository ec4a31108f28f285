"""Every error that pydantic can make of our annotations has plain words."""

from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import TypeAdapter, ValidationError

from experiments.config.models import CONFIG
from experiments.config.words import explain, hint, reworded, said_of, together


@pytest.mark.parametrize(
    "annotation, value, words",
    [
        (int, "8", "must be an integer, got the text '8'"),
        (int, 2.0, "must be an integer, got 2.0"),
        (bool, 1, "must be true or false, got 1"),
        (str, 1, "must be text, got 1"),
        (float, "fast", "must be a number, got 'fast'"),
        (float, float("nan"), "must be finite, got nan"),
        (Annotated[float, Ge(1.0)], 0.5, "must be at least 1.0, got 0.5"),
        (Annotated[float, Gt(0.0)], 0, "must be above 0.0, got 0"),
        (Annotated[float, Le(1.0)], 1.5, "must be at most 1.0, got 1.5"),
        (Annotated[float, Lt(1.0)], 1, "must be below 1.0, got 1"),
        (Annotated[tuple[int, ...], MinLen(2)], (1,), "must have at least 2 items, got 1"),
        (Annotated[tuple[int, ...], MaxLen(1)], (1, 2), "must have at most 1 items, got 2"),
        (tuple[int, ...], 3, "must be a list, got 3"),
        (Literal["a", "b"], 3, "must be one of 'a', 'b', got 3"),
        (Literal["ab", "cd"], "abc", "unknown choice 'abc'; did you mean 'ab'? known: ab, cd"),
    ],
)
def test_plain_words(annotation: Any, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(annotation, config=CONFIG).validate_python(value)
    (error,) = caught.value.errors()
    assert explain(error, annotation) == words


def test_words_once_said_are_kept() -> None:
    said = together([said_of(("a", 1), "is {odd}")])
    again = together(reworded(said, lambda error: pytest.fail(str(error))))
    assert [(error["loc"], error["msg"]) for error in again.errors()] == [(("a", 1), "is {odd}")]


def test_a_very_long_name_costs_little() -> None:
    assert hint("x" * 90_000, ["xy"]) == "known: xy"
