"""Settings given on the command line, laid over the tree of a file.

dotted.key=value    sets a key, the value in YAML
~dotted.key         leaves one out that the file has
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import NamedTuple

from experiments.config.faults import COMMAND_LINE, ConfigError, Fault, Origin, dotted
from experiments.config.reader import parse
from experiments.config.scalars import shown
from experiments.config.tree import BROKEN, Node
from lstm_jax.checks import nearest

ITEM = re.compile(r"\d+|.*\[.*")


class Override(NamedTuple):
    """One argument: the keys that lead to a value, and the value, or None to leave it out."""

    keys: tuple[str, ...]
    node: Node | None
    origin: Origin


def read_overrides(arguments: Iterable[str]) -> tuple[list[Override], list[Fault]]:
    """The arguments in order, and what is wrong with their form."""
    overrides: list[Override] = []
    faults: list[Fault] = []
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


def _read(argument: str) -> tuple[Override, list[Fault]]:
    origin = Origin(COMMAND_LINE, argument=argument)
    key, equals, text = argument.partition("=")
    leave_out = key.lstrip().startswith("~")
    keys = tuple(part.strip() for part in key.lstrip().removeprefix("~").split("."))
    if leave_out == bool(equals):
        message = "must be of the form dotted.key=value, or ~dotted.key to leave a key out"
        raise ConfigError([Fault(origin, "", message)])
    if "" in keys:
        raise ConfigError([Fault(origin, "", "has an empty key; expected dotted.key=value")])
    if any(map(ITEM.fullmatch, keys)):
        message = "an item of a list cannot be set on its own; give the whole list, as key=[1, 2]"
        raise ConfigError([Fault(origin, dotted(keys), message)])
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
        message = f"is not there to be left out; {nearest(key, section)}"
        raise ConfigError([Fault(origin, dotted(override.keys[: level + 1]), message)])
    if rest:
        child = _set(section.get(key, Node(None, origin)), override, level + 1)
        return dataclasses.replace(node, value={**section, key: child})
    if override.node is not None:
        return dataclasses.replace(node, value={**section, key: override.node})
    return dataclasses.replace(node, value={k: v for k, v in section.items() if k != key})
