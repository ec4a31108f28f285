"""From a YAML file and the command line to an experiment, or to all that is wrong with them."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from experiments.config.faults import ConfigError, Fault, Loc, Origin, dotted
from experiments.config.overrides import Override, lay_over, read_overrides
from experiments.config.reader import parse, read
from experiments.config.schema import SCHEMA, Experiment, Schema
from experiments.config.tree import BROKEN, Node


def load(path: Path, overrides: Sequence[str] = (), schema: Schema = SCHEMA) -> Experiment:
    """The experiment that a YAML file describes.

    Args:
        path: the file.
        overrides: `dotted.key=value`, the value in YAML, or `~dotted.key`, which leaves a key out;
            laid over the file before it is checked.
        schema: what configs may choose from.

    Raises ConfigError with every fault of the file and of the overrides.
    """
    given, faults = read_overrides(overrides)
    try:
        root, more = read_tree(path)
    except ConfigError as error:
        raise ConfigError([*error.faults, *faults]) from None
    try:
        return settle(root, given, [*faults, *more], schema)
    except ConfigError as error:
        raise ConfigError(map(_may_leave_out, error.faults) if given else error.faults) from None


def settle(
    root: Node, given: Iterable[Override], known: Iterable[Fault] = (), schema: Schema = SCHEMA
) -> Experiment:
    """The experiment that a tree stands for once overrides are laid over it.

    Raises ConfigError with every fault of the two, and those `known` already.
    """
    root, faults = lay_over(root, given)
    return checked(schema.adapter, root, [*known, *faults])


def checked(adapter: TypeAdapter, root: Node, known: Iterable[Fault] = ()) -> Any:
    """What an adapter makes of a tree; ConfigError with every fault, and those `known` already."""
    faults = list(known)
    try:
        found = adapter.validate_python(plain_value(root))
    except ValidationError as error:
        raise ConfigError([*faults, *_faults(error, root)]) from None
    if faults:
        raise ConfigError(faults)
    return found


def read_tree(
    path: Path, expected: str = "the sections task, model, optimizer and train"
) -> tuple[Node, list[Fault]]:
    """The tree of a file, with the faults that leave it readable; ConfigError for the others."""
    root, faults = parse(read(path), Origin(str(path)))
    if root.value is None:
        raise ConfigError([Fault(Origin(str(path)), "", f"is empty; expected {expected}")])
    return root, faults


def plain_value(node: Node) -> Any:
    """What a node holds, without where it was written."""
    if isinstance(node.value, dict):
        return {key: plain_value(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain_value(each) for each in node.value]
    return node.value


def _faults(error: ValidationError, root: Node) -> Iterator[Fault]:
    """The errors of a validation where they were written; those of broken nodes are known."""
    for one in error.errors():
        node = _nearest(root, one["loc"])
        if node.value is not BROKEN:
            yield Fault(node.origin, dotted(one["loc"]), one["msg"])


def _may_leave_out(fault: Fault) -> Fault:
    """A key of the file that another choice on the command line has no use for."""
    if fault.origin.argument is not None or not fault.message.startswith("unknown key"):
        return fault
    key, in_list, _ = fault.path.partition("[")  # an item of a list cannot be left out alone
    what = "the whole list" if in_list else "it"
    return dataclasses.replace(fault, message=f"{fault.message}; '~{key}' leaves {what} out")


def _nearest(node: Node, loc: Loc) -> Node:
    """The node at a location, or the innermost around it for a key that is missing."""
    for part in loc:
        if isinstance(node.value, list) and part in range(len(node.value)):
            node = node.value[int(part)]
        elif isinstance(node.value, dict) and part in node.value:
            node = node.value[str(part)]
        else:
            break
    return node
