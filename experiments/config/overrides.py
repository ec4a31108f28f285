"""Settings given on the command line, laid over the tree of a file.

dotted.key=value    sets a key, the value in YAML
~dotted.key         leaves one out that the file has
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from experiments.config.faults import COMMAND_LINE, ConfigError, Fault, Origin, dotted
from experiments.config.reader import parse
from experiments.config.scalars import shown
from experiments.config.tree import BROKEN, MAX_DEPTH, Node
from experiments.config.words import hint

ITEM = re.compile(r"\d+|.*\[.*", re.DOTALL)
MAX_OVERRIDES = 100
"""More than there are keys; each may take 0.3 s to read."""
MAX_KNOWN = 50
"""Keys of a file that a message names; those that are no plain words are left out."""


class Override(NamedTuple):
    """One argument: the keys that lead to a value, and the value, or None to leave it out."""

    keys: tuple[str, ...]
    node: Node | None
    origin: Origin


def read_overrides(arguments: Sequence[str]) -> tuple[list[Override], list[Fault]]:
    """The arguments in order, and what is wrong with their form.

    Raises ConfigError for more of them than it takes to set every key.
    """
    overrides: list[Override] = []
    faults: list[Fault] = []
    if len(arguments) > MAX_OVERRIDES:
        message = f"{len(arguments)} settings are given; at most {MAX_OVERRIDES}"
        raise ConfigError([Fault(Origin(COMMAND_LINE), "", message)])
    for argument in arguments:
        try:
            override, more = _read(argument)
        except ConfigError as error:
            faults += error.faults
        else:
            overrides.append(override)
            faults += more
    return overrides, faults


def lay_over(root: Node, overrides: Iterable[Override]) -> tuple[Node, list[Fault]]:
    """The tree with each value in its place; a later override of the same key wins."""
    faults: list[Fault] = []
    for override in overrides:
        try:
            root = _set(root, override, 0)
        except ConfigError as error:
            faults += error.faults
    return root, faults


def split(key: str, origin: Origin) -> tuple[str, ...]:
    """The keys that a dotted key is made of; ConfigError for one that leads nowhere."""
    keys = tuple(part.strip() for part in key.split("."))
    if "" in keys:
        raise ConfigError([Fault(origin, "", "has an empty key; expected dotted.key=value")])
    if any("\ud800" <= character <= "\udfff" for character in key):
        raise ConfigError([Fault(origin, "", "is not UTF-8")])
    if len(keys) > MAX_DEPTH:
        raise ConfigError([Fault(origin, "", f"nested deeper than {MAX_DEPTH} levels")])
    if any(map(ITEM.fullmatch, keys)):
        message = "an item of a list cannot be set on its own; give the whole list, as key=[1, 2]"
        raise ConfigError([Fault(origin, dotted(keys), message)])
    return keys


def _read(argument: str) -> tuple[Override, list[Fault]]:
    origin = Origin(COMMAND_LINE, argument=argument)
    key, equals, text = argument.partition("=")
    leave_out = key.lstrip().startswith("~")
    if leave_out == bool(equals):
        message = "must be of the form dotted.key=value, or ~dotted.key to leave a key out"
        raise ConfigError([Fault(origin, "", message)])
    keys = split(key.lstrip().removeprefix("~"), origin)
    if leave_out:
        return Override(keys, None, origin), []
    node, faults = parse(text, origin, keys)
    return Override(keys, node, origin), faults


def _set(node: Node, override: Override, level: int) -> Node:
    """`node` with the override in it; the nodes on the way are new, as aliases share the old."""
    if node.value is BROKEN:
        return node
    (key, *rest), origin = override.keys[level:], override.origin
    if node.value is not None and not isinstance(node.value, dict):
        message = f"is {shown(node.value)}, not a section, and holds no key {shown(key)}"
        raise ConfigError([Fault(origin, dotted(override.keys[:level]), message)])
    section = node.value or {}
    if override.node is None and key not in section:
        known = [each for each in section if dotted((each,)) == each][:MAX_KNOWN]
        message = f"is not there to be left out; {hint(key, known)}"
        raise ConfigError([Fault(origin, dotted(override.keys[: level + 1]), message)])
    if rest:
        child = _set(section.get(key, Node(None, origin)), override, level + 1)
        return dataclasses.replace(node, value={**section, key: child})
    if override.node is not None:
        return dataclasses.replace(node, value={**section, key: override.node})
    return dataclasses.replace(node, value={k: v for k, v in section.items() if k != key})
