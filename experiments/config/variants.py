"""Variants: settings in which the members of one compiled program may differ.

    variants:
      - {optimizer.learning_rate: 1e-3}
      - {optimizer.learning_rate: 3e-3, model.bias: {name: forget, value: 2.0}}

Every variant stands for a whole config, the one around it with the variant's keys laid over it, and
is checked as such.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from experiments.config.annotations import SECTION
from experiments.config.models import Check
from experiments.config.scalars import shown
from experiments.config.words import reworded, said_of, together

NAME = "variants"
MAY_VARY = (
    "optimizer.learning_rate",
    "train.first_seed",
    *("model.bias", "model.input_bias", "model.forget_bias", "model.output_bias"),
)
"""Keys, and those one level below them, that change neither the shape of an array nor the step."""


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


def may_vary(key: str) -> bool:
    """Whether members of one program may differ in a key.

    >>> may_vary("model.bias.value"), may_vary("model.biased")
    (True, False)
    """
    return key in MAY_VARY or key.rpartition(".")[0] in MAY_VARY


def check_with_variants(check: Check, config: Any) -> tuple[Any, list[tuple[Keys, Any]]]:
    """What `check` makes of a config without its variants, and of each variant.

    Raises ValidationError with the faults of all of them, each said once.
    """
    variants: Any = []
    if isinstance(config, dict) and NAME in config:
        variants = config[NAME]
        config = {key: value for key, value in config.items() if key != NAME}
    base, faults = _attempt(check, config)
    if not isinstance(variants, list):
        faults.append(said_of((NAME,), f"must be a list, got {shown(variants)}"))
        variants = []
    known = {(each["loc"], str(each["type"])) for each in faults}
    found: list[tuple[Keys, Any]] = []
    first: dict[Any, int] = {}
    for place, variant in enumerate(variants):
        if wrong := list(_misnamed(variant, (NAME, place))):
            faults += wrong
            continue
        try:
            whole = laid_over(config, variant)
        except ValidationError as error:
            faults += [_moved(each, variant, place) for each in reworded(error, str)]
            continue
        made, more = _attempt(check, whole)
        new = [each for each in more if (each["loc"], str(each["type"])) not in known]
        faults += [_moved(each, variant, place) for each in new]
        if made is not None and (twin := first.setdefault(made, place)) != place:
            faults.append(said_of((NAME, place), f"stands for the same as {NAME}[{twin}]"))
        found.append((Keys(variant), made))
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


def _misnamed(variant: Any, loc: tuple[str | int, ...]) -> Iterator[InitErrorDetails]:
    """What is wrong with the form of a variant and with the names of its keys."""
    if not isinstance(variant, dict):
        yield said_of(loc, f"must be {SECTION}, got {shown(variant)}")
        return
    for key in variant:
        if not may_vary(key):
            close = difflib.get_close_matches(key[:80], MAY_VARY, n=1, cutoff=0.8)
            hint = f"did you mean {close[0]!r}? " if close else ""
            message = f"cannot differ within one program; {hint}known: {', '.join(MAY_VARY)}"
            yield said_of((*loc, key), message)


def _moved(error: InitErrorDetails, variant: Mapping[str, Any], place: int) -> InitErrorDetails:
    """An error of a variant's whole config, put where the variant is written."""
    loc, message = error["loc"], str(error["type"])
    for key in reversed(list(variant)):
        parts = tuple(key.split("."))
        if loc[: len(parts)] == parts:
            return said_of((NAME, place, key, *loc[len(parts) :]), message)
    path = ".".join(map(str, loc))
    return said_of((NAME, place), f"{path}: {message}" if path else message)
