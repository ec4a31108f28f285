"""One clear sentence for bad input: the value given, what was expected, the nearest right name.

Settings (cells, initialisers, tasks) are frozen dataclasses whose annotations state what
is allowed: `Annotated[int, Ge(1)]`, `Literal["a", "b"]`. `Settings` checks a value against
them at construction, and the configs of `experiments` read the same annotations, so a range
is written once.
"""

import dataclasses
import difflib
import numbers
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union

from annotated_types import Ge, Gt, Le, Lt

MAX = 2**31 - 1
"""The largest count on a device."""

Size = Annotated[int, Ge(1), Le(MAX)]
"""A count of units, steps or sequences: at least 1."""

Fraction = Annotated[float, Ge(0.0), Lt(1.0)]
"""A probability below 1."""

_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest known one, and all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(known)}"


def named(kind: str, name: str, registry: Mapping[str, Any]) -> Any:
    """`registry[name]`, or a ValueError that names the nearest entry.

    >>> named("cell", "lstn", {"lstm": 1, "gru": 2})
    Traceback (most recent call last):
    ValueError: unknown cell 'lstn'; did you mean 'lstm'? known: gru, lstm
    """
    if not isinstance(name, str) or name not in registry:
        raise ValueError(f"unknown {kind} {name!r}; {nearest(name, registry)}")
    return registry[name]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of every frozen settings object; construction checks each field's annotation.

    Raises TypeError for a value of the wrong type and ValueError for one out of range.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Layer(Settings):
    ...     hidden_size: Size
    >>> Layer(hidden_size=-3)
    Traceback (most recent call last):
    ValueError: Layer.hidden_size must be at least 1, got -3
    """

    def __str__(self) -> str:
        """What is set to something else than its default, as one would write it."""
        told = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.default is dataclasses.MISSING or getattr(self, field.name) != field.default
        }
        parts = (f"{name}={_brief(value)}" for name, value in told.items())
        return f"{type(self).__name__}({', '.join(parts)})"

    def __post_init__(self) -> None:
        for name, annotation in field_annotations(type(self)).items():
            check(f"{type(self).__name__}.{name}", getattr(self, name), annotation)


def _brief(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_brief, value))}{',' * (len(value) == 1)})"
    return str(value) if isinstance(value, Settings) else repr(value)


def field_annotations(settings: type) -> dict[str, Any]:
    """The annotations of a dataclass's fields, with their ranges, in order."""
    found = typing.get_type_hints(settings, include_extras=True)
    return {field.name: found[field.name] for field in dataclasses.fields(settings)}


def check(what: str, value: Any, annotation: Any) -> None:
    """Hold `value` to `annotation`; `what` names it in the error."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        check(what, value, args[0])
        if value is not None:
            for bound in args[1:]:
                _check_bound(what, value, bound)
    elif origin is Literal:
        if value not in args:
            raise ValueError(f"{what} is {value!r}; {nearest(value, map(str, args))}")
    elif origin in (Union, types.UnionType):
        fitting = [arg for arg in args if _is_instance(value, arg)]
        names = [name for arg in args if typing.get_origin(arg) is Literal for name in arg.__args__]
        if not fitting and names and isinstance(value, str):
            raise ValueError(f"{what} is {value!r}; {nearest(value, map(str, names))}")
        if not fitting:
            raise TypeError(f"{what} must be {_describe(annotation)}, got {value!r}")
        check(what, value, fitting[0])
    elif origin is tuple and isinstance(value, tuple):
        items = [args[0]] * len(value) if args[1:] == (...,) else args
        if len(items) != len(value):
            raise ValueError(f"{what} must have {len(items)} values, got {value!r}")
        for place, (item, kind) in enumerate(zip(value, items, strict=True)):
            check(f"{what}[{place}]", item, kind)
    elif not _is_instance(value, annotation):
        raise TypeError(f"{what} must be {_describe(annotation)}, got {value!r}")


def _check_bound(what: str, value: Any, bound: object) -> None:
    if type(bound) not in _BOUNDS:
        return
    attribute, words = _BOUNDS[type(bound)]
    limit = getattr(bound, attribute)
    holds = {"ge": value >= limit, "gt": value > limit, "le": value <= limit, "lt": value < limit}
    if not holds[attribute]:
        raise ValueError(f"{what} must be {words} {limit}, got {value!r}")


def _is_instance(value: Any, annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _is_instance(value, typing.get_args(annotation)[0])
    if origin is Literal:
        return value in typing.get_args(annotation)
    if annotation is int:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, numbers.Real) and not isinstance(value, bool)
    if annotation is None:
        return value is None
    return isinstance(value, origin or annotation)


def _describe(annotation: Any) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _describe(args[0])
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(arg) for arg in args)
    if (origin or annotation) is tuple:
        return "a tuple"
    words = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}
    words[type(None)] = "None"
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))
