"""A sweep file: which config is trained in which settings.

config: ../adding.yaml            from the folder of this file
title: The learning rate          optional, as is `set`
set: {train.seeds: 4}             for every cell, laid over the config
grid:                             every combination; or a list of cells instead:
  optimizer.learning_rate: [1e-3, 1e-2]
  model.hidden_size: [8, 16]
list:
  - {optimizer.learning_rate: 1e-3}
  - {optimizer.learning_rate: 1e-2, model.hidden_size: 16}
"""

import dataclasses
import itertools
import os.path
from collections.abc import Iterator, Mapping
from pathlib import Path

from experiments.config import ConfigError, Experiment, Fault
from experiments.config.faults import Origin
from experiments.config.laid_over import Keys
from experiments.config.loading import checked, plain_value, read_tree, settle
from experiments.config.overrides import Override, split
from experiments.config.tree import Node
from experiments.config.variants import NAME
from experiments.config.writer import inline, told
from experiments.sweep.form import FORM
from lstm_jax.checks import Size, check

SEEDS = "train.seeds"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One point of a sweep: the keys that it sets, and the whole experiment."""

    keys: Keys
    experiment: Experiment

    def __str__(self) -> str:
        return told(self.keys)


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A sweep as it was meant: the config it names and its cells, all of them sound."""

    config: Path
    title: str
    common: Keys
    """What `set` says."""
    cells: tuple[Cell, ...]

    def with_seeds(self, count: int) -> "Sheet":
        """The same cells with another number of seeds; ValueError for one that is none."""
        check("--seeds", count, Size)
        return dataclasses.replace(self, cells=tuple(_with_seeds(c, count) for c in self.cells))

    def dump(self, config: str) -> str:
        """The sweep as a file that reads back to the same cells, its config under another name."""
        head = {"config": config, "title": self.title, "set": dict(self.common)}
        lines = [f"{key}: {inline(value)}" for key, value in head.items()]
        cells = [f"  - {inline(dict(cell.keys))}" for cell in self.cells]
        return "\n".join([*lines, "list:", *cells, ""])


def _with_seeds(cell: Cell, count: int) -> Cell:
    train = dataclasses.replace(cell.experiment.train, seeds=count)
    others = {key: value for key, value in cell.keys.items() if key != SEEDS}
    keys = Keys({**others, SEEDS: count})  # last, as a cell may set the whole section before
    return Cell(keys, dataclasses.replace(cell.experiment, train=train))


def is_sheet(path: Path) -> bool:
    """Whether a YAML file is, or was meant as, a sweep rather than a config; one that cannot be
    read may be either.
    """
    try:
        root, _ = read_tree(path)
    except ConfigError:
        return True
    return isinstance(root.value, dict) and not root.value.keys().isdisjoint(
        ("config", "grid", "list")
    )


def load_sheet(path: Path) -> Sheet:
    """The sweep that a file describes.

    Raises ConfigError with every fault of the file, and of the config in the settings of any cell.
    """
    root, faults = read_tree(path, "config, and a grid or a list")
    try:
        form = checked(FORM, root)
    except ConfigError as error:
        raise ConfigError([*faults, *error.faults]) from None
    config = Path(os.path.normpath(path.parent / form["config"]))
    tree, more = read_tree(config)
    common = root.value["set"].value if "set" in root.value else {}
    cells: list[Cell] = []
    wrong: dict[Fault, list[str]] = {}
    first: dict[Experiment, Cell] = {}
    points = list(_points(root))
    for origin, nodes in points:
        keys = Keys({key: plain_value(node) for key, node in nodes.items()})
        try:
            cell = Cell(keys, _settled(tree, common | nodes))
            _check_cell(cell, first.setdefault(cell.experiment, cell), origin)
            cells.append(cell)
        except ConfigError as error:
            for fault in error.faults:
                wrong.setdefault(fault, []).append(told(keys))
    faults += more
    for fault, of in wrong.items():
        if fault.file != str(path) and len(of) < len(points):  # its line does not say which cell
            message = f"{fault.message} (in the cell {of[0]})"
            fault = dataclasses.replace(fault, message=message)
        faults.append(fault)
    if faults:
        raise ConfigError(faults)
    return Sheet(config, form.get("title", ""), Keys(form.get("set", {})), tuple(cells))


def _points(root: Node) -> Iterator[tuple[Origin, dict[str, Node]]]:
    """Where each cell is written, and what it sets."""
    if "list" in root.value:
        for item in root.value["list"].value:
            yield item.origin, item.value
    else:
        axes = {key: axis.value for key, axis in root.value["grid"].value.items()}
        for values in itertools.product(*axes.values()):
            yield values[-1].origin, dict(zip(axes, values, strict=True))


def _settled(tree: Node, settings: Mapping[str, Node]) -> Experiment:
    given: list[Override] = []
    faults: list[Fault] = []
    for key, node in settings.items():
        try:
            given.append(Override(split(key, node.origin), node, node.origin))
        except ConfigError as error:
            faults += error.faults
    return settle(tree, given, faults)


def _check_cell(cell: Cell, twin: Cell, origin: Origin) -> None:
    if cell.experiment.variants:
        raise ConfigError([Fault(origin, NAME, "a sweep makes these itself; leave the key out")])
    if cell is not twin:
        message = f"the cell {cell} is the same as the cell {twin}"
        raise ConfigError([Fault(origin, "", message)])
