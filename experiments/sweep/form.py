"""The form of a sweep file, whatever the settings in it: which keys it has, and lists of what."""

import math
from typing import Annotated, Any

from pydantic import PlainValidator, TypeAdapter
from pydantic_core import InitErrorDetails

from experiments.config.annotations import SECTION
from experiments.config.models import Check, Models, Section
from experiments.config.scalars import shown
from experiments.config.words import said_of, together

MAX_CELLS = 2000


def _check_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        raise together([said_of((), f"must be {SECTION}, got {shown(value)}")])
    return value


def _check_grid(value: Any) -> Any:
    faults: list[InitErrorDetails] = []
    for key, values in _check_keys(value).items():
        if not isinstance(values, list) or not values:
            got = "an empty one" if values == [] else shown(values)
            faults.append(said_of((key,), f"must be a list of values, got {got}"))
    if not value:
        faults.append(said_of((), "has no keys; expected {dotted.key: [values]}"))
    if faults:
        raise together(faults)
    _check_count((), math.prod(map(len, value.values())))
    return value


def _check_list(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        got = "an empty one" if value == [] else shown(value)
        raise together([said_of((), f"must be a list of cells, got {got}")])
    if faults := [
        said_of((place,), f"must be {SECTION}, got {shown(cell)}")
        for place, cell in enumerate(value)
        if not isinstance(cell, dict)
    ]:
        raise together(faults)
    _check_count((), len(value))
    return value


def _check_count(loc: tuple[str, ...], cells: int) -> None:
    if cells > MAX_CELLS:
        raise together([said_of(loc, f"has {cells:,} cells; at most {MAX_CELLS:,}")])


def _sheet(**values: Any) -> dict[str, Any]:
    if ("grid" in values) == ("list" in values):
        found = "both" if "grid" in values else "neither"
        raise ValueError(f"must have either a grid or a list of cells; it has {found}")
    return values


def _form() -> TypeAdapter[dict[str, Any]]:
    def of(check: Check) -> Any:
        return Annotated[Any, PlainValidator(check)]

    fields = {"config": str, "title": str, "set": of(_check_keys)}
    fields |= {"grid": of(_check_grid), "list": of(_check_list)}
    optional = frozenset(fields) - {"config"}
    section = Models({}).section(Section(fields, optional, _sheet))
    return TypeAdapter(Annotated[Any, PlainValidator(section)])


FORM = _form()
