"""Parameters to begin with that another run has learnt, instead of those that a seed draws.

runs/short  seed_0 seed_1 seed_2    ->    seed_1 seed_2     each begins where its namesake ended
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from experiments.config import Experiment, load
from experiments.trained import NoParameters, Trained
from lstm_jax.layers import SequenceModel


class Beginning(Protocol):
    """What gives a member its first parameters."""

    def init(self, key: PRNGKeyArray) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """What a member of another run has learnt, in the place of a model that draws parameters."""

    member: str
    sequences: int
    """On which they were trained, in that run and whatever it had begun with."""
    params: Any = dataclasses.field(compare=False, repr=False)

    def init(self, key: PRNGKeyArray) -> Any:
        """The parameters, whatever the key."""
        return jax.tree.map(jnp.asarray, self.params)


def pretrained(run: Path, labels: Sequence[str], model: SequenceModel) -> list[Pretrained]:
    """What the members of a run that are called so have learnt, in this order.

    A member of a variant may begin as the seed of its number in a run without variants.

    Raises ValueError, in a sentence, where there is no such run, member or model.
    """
    before = experiment_of(run, labels)
    try:
        trained = Trained(run, model, len(before.labels))
        earlier = _sequences_before(run, before)
    except NoParameters as error:
        raise ValueError(f"{run} has no parameters to begin with: {error}") from None
    found = []
    for label in labels:
        place = before.labels.index(_namesake(label, before.labels))
        sequences = earlier[place] + trained.steps(place) * before.train.batch_size
        found.append(Pretrained(before.labels[place], sequences, trained.member(place)))
    return found


def experiment_of(run: Path, labels: Sequence[str]) -> Experiment:
    """What a run was to learn; ValueError where there is none, or it lacks a member called so."""
    config = run / "config.yaml"
    if not config.exists():
        raise ValueError(f"{run} is no run to begin with: it holds no config.yaml")
    before = load(config)
    there = before.labels
    if lacking := [label for label in labels if _namesake(label, there) not in there]:
        raise ValueError(f"{run} has no {lacking[0]}; its members are {there[0]} to {there[-1]}")
    return before


def sequences_before(beginning: Beginning) -> int:
    """On how many sequences the first parameters were trained."""
    return beginning.sequences if isinstance(beginning, Pretrained) else 0


def _namesake(label: str, there: Sequence[str]) -> str:
    """The member that another begins as: of its name, or in a run without variants of its seed."""
    return label if label in there else label.rpartition("/")[2]


def _sequences_before(run: Path, experiment: Experiment) -> list[int]:
    """On how many sequences each member of a run had been trained before that run."""
    try:
        summary = json.loads((run / "summary.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NoParameters(f"its summary.json cannot be read: {error}") from None
    before: list[int] = summary.get("sequences_before", [0] * len(experiment.labels))
    return before
