"""From cells to trials: those that differ only in what may vary within one program share one."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from experiments.config import Experiment, Variant, dump
from experiments.config.laid_over import Keys
from experiments.config.variants import MAY_VARY
from experiments.config.writer import inline, plain

DIGITS = 12


class Place(NamedTuple):
    """Where the result of a cell is found."""

    trial: str
    variant: int


@dataclasses.dataclass(frozen=True)
class Trial:
    """One run, of one cell or of several as its variants."""

    experiment: Experiment

    @property
    def name(self) -> str:
        """The first digits of the SHA-256 of its config in full."""
        return digest(self.experiment)[:DIGITS]

    @property
    def cells(self) -> tuple[Experiment, ...]:
        """What it trains, in the order of its members."""
        variants = tuple(variant.experiment for variant in self.experiment.variants)
        return variants or (self.experiment,)

    @property
    def places(self) -> dict[Experiment, Place]:
        """Where the result of each of its cells is found."""
        return {cell: Place(self.name, number) for number, cell in enumerate(self.cells)}


def digest(experiment: Experiment) -> str:
    """The SHA-256 of an experiment's config in full, in hexadecimal."""
    return hashlib.sha256(dump(experiment).encode()).hexdigest()


def bare(experiment: Experiment) -> Experiment:
    """An experiment without what is only said of it; two that are alike have the same result."""
    return dataclasses.replace(experiment, title="", published=None)


def group(cells: Iterable[Experiment]) -> list[Trial]:
    """The trials that cells make, in the order of their first cells.

    A cell with a curriculum is a trial of its own, as its stages are.
    """
    groups: dict[str, list[tuple[Experiment, dict[str, Any]]]] = {}
    for cell in cells:
        fixed, varying = _apart(cell)
        alike = digest(cell) if cell.curriculum else inline(fixed)
        groups.setdefault(alike, []).append((cell, varying))
    return [_together(members) for members in groups.values()]


def _apart(cell: Experiment) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """What all variants of one program share, and what may tell them apart."""
    fixed, varying = plain(cell), {}
    for key in MAY_VARY:
        section, name = key.split(".")
        if name in fixed[section]:
            varying[key] = fixed[section].pop(name)
    return fixed, varying


def _together(members: list[tuple[Experiment, dict[str, Any]]]) -> Trial:
    (first, base), *others = members
    if not others:
        return Trial(first)
    swept = [key for key in base if any(varying[key] != base[key] for _, varying in others)]
    variants = tuple(
        Variant(Keys({key: varying[key] for key in swept}), cell) for cell, varying in members
    )
    return Trial(dataclasses.replace(first, variants=variants))
