"""Lists of keys to be laid over a config; each makes a whole config, which is checked as such.

`variants.py` and `curriculum.py` say what such lists are for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from experiments.config.annotations import SECTION
from experiments.config.models import Check
from experiments.config.scalars import shown
from experiments.config.words import reworded, said_of, together


class Keys(Mapping[str, Any]):
    """Dotted keys and the plain values of YAML that they are set to; hashable."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self._keys = dict(keys)

    def __getitem__(self, key: str) -> Any:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __hash__(self) -> int:
        return hash(frozenset(self._keys))  # of the keys alone, as a value may be a list

    def __repr__(self) -> str:
        return repr(self._keys)


class List(NamedTuple):
    """A list of keys, as a config holds it.

    Args:
        name: of the section that holds it.
        misnamed: why a key cannot stand in it; None for one that can.
        distinct: whether no two of its items may make the same config.
    """

    name: str
    misnamed: Callable[[str], str | None]
    distinct: bool


def check_with(check: Check, config: Any, of: List) -> tuple[Any, list[tuple[Keys, Any]]]:
    """What `check` makes of a config without a list, and of what each of its items makes of it.

    Raises ValidationError with the faults of all of them, each said once.
    """
    items: Any = []
    if isinstance(config, dict) and of.name in config:
        items = config[of.name]
        config = {key: value for key, value in config.items() if key != of.name}
    base, faults = _attempt(check, config)
    if not isinstance(items, list):
        faults.append(said_of((of.name,), f"must be a list, got {shown(items)}"))
        items = []
    known = {(each["loc"], str(each["type"])) for each in faults}
    found: list[tuple[Keys, Any]] = []
    first: dict[Any, int] = {}
    for place, item in enumerate(items):
        loc = (of.name, place)
        if wrong := list(_misnamed(item, loc, of)):
            faults += wrong
            continue
        try:
            whole = laid_over(config, item)
        except ValidationError as error:
            faults += [_moved(each, item, loc) for each in reworded(error, str)]
            continue
        made, more = _attempt(check, whole)
        new = [each for each in more if (each["loc"], str(each["type"])) not in known]
        faults += [_moved(each, item, loc) for each in new]
        if of.distinct and made is not None and (twin := first.setdefault(made, place)) != place:
            faults.append(said_of(loc, f"stands for the same as {of.name}[{twin}]"))
        found.append((Keys(item), made))
    if faults:
        raise together(faults)
    return base, found


def laid_over(config: Any, keys: Mapping[str, Any]) -> Any:
    """A config with dotted keys set; ValidationError for a key within what is no section."""
    for key, value in keys.items():
        config = _set(config, key.split("."), value, key)
    return config


def _set(section: Any, keys: list[str], value: Any, whole: str) -> Any:
    if not keys:
        return value
    if section is not None and not isinstance(section, dict):
        message = f"is in what is {shown(section)} and not a section"
        raise together([said_of((*whole.split("."),), message)])
    first, *rest = keys
    section = section or {}
    return {**section, first: _set(section.get(first), rest, value, whole)}


def _attempt(check: Check, config: Any) -> tuple[Any, list[InitErrorDetails]]:
    try:
        return check(config), []
    except ValidationError as error:
        return None, reworded(error, str)


def _misnamed(item: Any, loc: tuple[str | int, ...], of: List) -> Iterator[InitErrorDetails]:
    """What is wrong with the form of an item and with the names of its keys."""
    if not isinstance(item, dict):
        yield said_of(loc, f"must be {SECTION}, got {shown(item)}")
        return
    for key in item:
        if (why := of.misnamed(key)) is not None:
            yield said_of((*loc, key), why)


def _moved(
    error: InitErrorDetails, item: Mapping[str, Any], place: tuple[str | int, ...]
) -> InitErrorDetails:
    """An error of an item's whole config, put where the item is written."""
    loc, message = error["loc"], str(error["type"])
    for key in reversed(list(item)):
        parts = tuple(key.split("."))
        if loc[: len(parts)] == parts:
            return said_of((*place, key, *loc[len(parts) :]), message)
    path = ".".join(map(str, loc))
    return said_of(place, f"{path}: {message}" if path else message)
