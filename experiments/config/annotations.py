"""Taking the annotations of settings apart: unions, ranges, lists, and what they are called."""

import types
import typing
from typing import Annotated, Any, Literal, Union

from experiments.config.scalars import shown
from lstm_jax.checks import Settings

SECTION = "a section of keys and values"

_NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "text"}


def bare(annotation: Any) -> Any:
    """An annotation without its ranges."""
    is_annotated = typing.get_origin(annotation) is Annotated
    return typing.get_args(annotation)[0] if is_annotated else annotation


def ranges(annotation: Any) -> tuple[Any, ...]:
    """The ranges of an annotation."""
    is_annotated = typing.get_origin(annotation) is Annotated
    return typing.get_args(annotation)[1:] if is_annotated else ()


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, each with the ranges of the whole, or the annotation alone."""
    union, bounds = bare(annotation), ranges(annotation)
    if typing.get_origin(union) not in (Union, types.UnionType):
        return (annotation,)
    return tuple(
        Annotated[each, *bounds] if bounds and not is_null(each) else each
        for each in typing.get_args(union)
    )


def is_null(annotation: Any) -> bool:
    """Whether an annotation is that of None."""
    return annotation in (None, types.NoneType)


def is_list(annotation: Any) -> bool:
    """Whether an annotation is a tuple, which YAML writes as a list."""
    return typing.get_origin(bare(annotation)) is tuple


def is_choice(annotation: Any) -> bool:
    """Whether an annotation is a Literal."""
    return typing.get_origin(bare(annotation)) is Literal


def is_settings(annotation: Any) -> bool:
    """Whether an annotation is a settings class."""
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def choices(annotation: Any) -> tuple[Any, ...]:
    """What a union of Literals and null allows beside null; nothing of any other annotation."""
    others = [each for each in alternatives(annotation) if not is_null(each)]
    if not all(map(is_choice, others)):
        return ()
    return tuple(choice for each in others for choice in typing.get_args(bare(each)))


def item(annotation: Any, place: int) -> Any:
    """The annotation of an item of a list."""
    items = typing.get_args(bare(annotation))
    return items[0] if items[1:] == (...,) else items[place]


def fits(value: Any, annotation: Any) -> bool:
    """Whether a value of YAML is of the type of an annotation, whatever its range."""
    annotation = bare(annotation)
    if is_choice(annotation):
        allowed = typing.get_args(annotation)
        return any(type(value) is type(each) and value == each for each in allowed)
    if is_null(annotation):
        return value is None
    if is_list(annotation):
        return isinstance(value, list)
    return type(value) is annotation or (annotation is float and type(value) is int)


def describe(annotation: Any) -> str:
    """What a value must be.

    >>> describe(int | Literal["auto", "all"] | None)
    "an integer or one of 'auto', 'all' or null"
    """
    if len(members := alternatives(annotation)) > 1:
        return " or ".join(dict.fromkeys(map(describe, members)))
    if is_choice(annotation):
        allowed = typing.get_args(bare(annotation))
        words = (repr(each) if isinstance(each, str) else shown(each) for each in allowed)
        return "one of " * (len(allowed) > 1) + ", ".join(words)
    if is_list(annotation):
        return "a list"
    return "null" if is_null(annotation) else _NAMES.get(bare(annotation), SECTION)
