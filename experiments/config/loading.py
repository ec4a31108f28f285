"""From a YAML file and the command line to an experiment, or to all that is wrong with them."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiments.config.faults import ConfigError, Fault, Loc, Origin, dotted
from experiments.config.overrides import lay_over, read_overrides
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
        root, more = _root(path)
    except ConfigError as error:
        raise ConfigError([*error.faults, *faults]) from None
    faults += more
    root, more = lay_over(root, given)
    faults += more
    try:
        experiment = schema.adapter.validate_python(_values(root))
    except ValidationError as error:
        wrong = list(_faults(error, root))
        if given:
            wrong = [_may_leave_out(fault) for fault in wrong]
        raise ConfigError([*faults, *wrong]) from None
    if faults:
        raise ConfigError(faults)
    return experiment


def _root(path: Path) -> tuple[Node, list[Fault]]:
    root, faults = parse(read(path), Origin(str(path)))
    if root.value is None:
        message = "is empty; expected the sections task, model, optimizer and train"
        raise ConfigError([Fault(Origin(str(path)), "", message)])
    return root, faults


def _values(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _values(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [_values(each) for each in node.value]
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
    return dataclasses.replace(fault, message=f"{fault.message}; '~{fault.path}' leaves it out")


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
