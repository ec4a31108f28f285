"""Errors of pydantic's in plain words: what was expected and what was found."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from experiments.config.annotations import choices, describe
from experiments.config.scalars import shown
from lstm_jax.checks import nearest

SAID = "said"
"""The type of an error that is in plain words already."""

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
_LENGTHS = {"too_short": ("min_length", "at least"), "too_long": ("max_length", "at most")}


def said(message: str) -> PydanticCustomError:
    """An error in plain words, about the value that is being checked."""
    return PydanticCustomError(SAID, message)


def said_of(loc: tuple[int | str, ...], message: str) -> InitErrorDetails:
    """An error in plain words about what stands at `loc` in the value that is being checked."""
    return InitErrorDetails(type=said(message), loc=loc, input=None)


def together(errors: Iterable[InitErrorDetails]) -> ValidationError:
    """Several errors in plain words as one exception."""
    return ValidationError.from_exception_data("config", list(errors))


def reworded(
    error: ValidationError, explain_one: Callable[[ErrorDetails], str]
) -> list[InitErrorDetails]:
    """The errors in `error`, those of pydantic's own put into plain words."""
    return [
        said_of(one["loc"], one["msg"] if one["type"] == SAID else explain_one(one))
        for one in error.errors()
    ]


def explain(error: ErrorDetails, annotation: Any) -> str:
    """One of pydantic's own errors in plain words; `annotation` is that of the value at fault."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"must be {words} {context[limit]}, got {shown(value)}"
    if kind in _LENGTHS:
        limit, words = _LENGTHS[kind]
        return f"must have {words} {context[limit]} items, got {len(value)}"
    if kind == "finite_number":
        return f"must be finite, got {shown(value)}"
    if kind == "missing":
        return f"missing; must be {describe(annotation)}"
    return mismatch(value, annotation)


def mismatch(value: Any, annotation: Any) -> str:
    """Why a value is not of an annotation's type."""
    if isinstance(value, str) and choices(annotation):
        return f"unknown choice {shown(value)}; {hint(value, map(str, choices(annotation)))}"
    return f"must be {describe(annotation)}, got {shown(value)}"


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest known name, and all of them; of a very long name only the beginning counts."""
    return nearest(name[:80], known)
