"""What goes on inside a trained model: diagnostics of one seed, before and after its training.

All are taken on sequences that no training step has seen.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.build import Build
from experiments.report.arms import Arm, Seed
from experiments.report.figures.gates import NAMES
from experiments.trained import Trained
from lstm_jax.diagnostics import (
    Ablation,
    Decay,
    Statistics,
    ablation,
    cell_names,
    decay,
    gate_statistics,
    gradient_flow,
    last_scored,
    memory_curve,
    traces,
)
from lstm_jax.tasks import Adding, Batch, Task

ROWS = 64
"""Sequences that diagnostics are taken over."""
MOST_NUMBERS = 2**25
"""Of states (T, B, H) that are held at once; above it there are fewer sequences."""
LAGS, REACH = 24, 0.8
"""Points of a memory curve, up to this share of the steps: beyond, few are left to learn from."""

Norms = Mapping[str, np.ndarray]


class Condition(NamedTuple):
    """A model with the parameters of one moment; a tuple has an entry for each of its cells."""

    flows: tuple[Norms, ...] | None
    """Norms by lag of the gradient, by the part of the state."""
    statistics: tuple[Statistics, ...] | None
    recall: tuple[np.ndarray, ...] | None
    """R² at each of the lags."""

    @property
    def decays(self) -> tuple[dict[str, Decay], ...] | None:
        """How each of the norms falls."""
        if self.flows is None:
            return None
        return tuple(
            {name: decay(jnp.asarray(norms)) for name, norms in each.items()} for each in self.flows
        )

    def scales(self, cell: int) -> np.ndarray | None:
        """The time scales of a cell's units, in steps; None for a cell without gates."""
        found = None if self.statistics is None else self.statistics[cell].time_scale
        return None if found is None else np.asarray(found)


class Example(NamedTuple):
    """One sequence passing through the trained model."""

    inputs: np.ndarray
    """(T, I), or (T,) of tokens; T is its length."""
    targets: np.ndarray
    """(T, O) or (T,)."""
    outputs: np.ndarray
    """(T, O)."""
    traces: tuple[Mapping[str, np.ndarray], ...]
    """(T, H) by name, for each cell."""


class Inside(NamedTuple):
    """What diagnostics found in one seed of an arm."""

    arm: Arm
    seed: Seed
    task: Task
    cells: tuple[str, ...]
    step: int
    """Of the checkpoint."""
    sequences: int
    """Over which all but the example was taken."""
    before: Condition
    after: Condition
    lags: np.ndarray
    ablation: Ablation | None
    example: Example
    missing: list[str]


def probe(arm: Arm, parts: Build, trained: Trained) -> Inside:
    """Look into the typical seed of an arm."""
    place = arm.typical
    task, model, missing = parts.task, parts.model, list(trained.passed_over)
    member = arm.first + place
    began, ended = (
        jax.tree.map(jnp.asarray, params)
        for params in (drawn(parts, member), trained.member(member))
    )
    batch = held_out(task, sequences_at_once(parts))
    steps = len(batch.weights)
    lags = np.unique(np.geomspace(1, max(REACH * steps, 1), LAGS).round().astype(int))
    before, after = conditions(task, model, (began, ended), batch, lags, missing)
    return Inside(
        arm=arm,
        seed=arm.seeds[place],
        task=task,
        cells=tuple(cell_names(model)),
        step=trained.step,
        sequences=batch.weights.shape[1],
        before=before,
        after=after,
        lags=lags,
        ablation=_ablation(task, model, ended, batch),
        example=example_of(task, model, ended, batch),
        missing=missing,
    )


def drawn(parts: Build, place: int) -> Any:
    """The parameters with which a member began, drawn again as the run did it."""
    states = parts.program.start()
    lane = int(np.flatnonzero(np.asarray(states.member.place) == place)[0])
    return jax.tree.map(lambda leaf: np.asarray(leaf[lane]), states.learnt.params)


def sequences_at_once(parts: Build) -> int:
    """Sequences for which all states fit, 2 at least."""
    steps = len(jax.eval_shape(parts.task.test_batch, *_which(1)).weights)
    widest = max(layer.output_size for layer in parts.model.stack.layers)
    return int(np.clip(MOST_NUMBERS // (steps * widest), 2, ROWS))


def held_out(task: Task, count: int) -> Batch:
    """Test sequences; those of streams end a lag after the first step that counts."""
    batch = jax.jit(task.test_batch)(*_which(count))
    if not task.streams:
        return batch
    end = int(np.argmax(np.asarray(batch.weights).sum(axis=1) > 0)) + task.lag
    return Batch(batch.inputs[:end], batch.targets[:end], batch.weights[:end], batch.lengths)


def _which(count: int) -> tuple[Any, Any, Any]:
    return jax.random.key(0), jnp.int32(0), jnp.arange(count)


def conditions(
    task: Task,
    model: Any,
    both: tuple[Any, Any],
    batch: Batch,
    lags: np.ndarray,
    missing: list[str],
) -> list[Condition]:
    """All that is asked of each set of parameters; a sentence in `missing` for what has no answer.

    What is asked is compiled once for all of them.
    """
    inputs, lengths = batch.inputs, batch.lengths
    signal = inputs[..., :1] if isinstance(task, Adding) else None
    loss = last_scored(task, batch)

    def of_each(what: str, ask: Callable[[Any], Any]) -> list[Any]:
        compiled = jax.jit(ask)
        try:
            return [jax.device_get(compiled(params)) for params in both]
        except ValueError as error:
            missing.append(f"There is no {what}: {error}.")
            return [None] * len(both)

    flows = of_each(
        "picture of the gradient",
        lambda params: jax.tree.map(
            lambda norms: norms[: task.lag + 1], gradient_flow(model, params, inputs, loss, lengths)
        ),
    )
    # symbols of a text or a protocol tell of one another: recall of them is not memory alone
    recall = (
        [None] * len(both)
        if task.tokens
        else of_each(
            "memory curve",
            lambda params: memory_curve(
                model, params, inputs, lags.tolist(), lengths, signal=signal
            ),
        )
    )
    statistics = of_each(
        "time scale of the units", lambda params: gate_statistics(model, params, inputs, lengths)
    )
    return [Condition(*each) for each in zip(flows, statistics, recall, strict=True)]


def _ablation(task: Task, model: Any, params: Any, batch: Batch) -> Ablation | None:
    """The mean error where each gate is held at its mean; None for a model without gates."""

    def ask(params: Any) -> Ablation:
        return ablation(
            model,
            params,
            batch.inputs,
            lambda outputs: task.score(outputs, batch).error.mean(),
            batch.lengths,
        )

    found = jax.device_get(jax.jit(ask)(params))
    return found if any(found.held) else None


def example_of(task: Task, model: Any, params: Any, batch: Batch) -> Example:
    """One sequence of a batch, to be looked at."""
    row = shown(task, batch)
    steps = len(batch.weights) if batch.lengths is None else int(batch.lengths[row])
    here = slice(None, steps), slice(row, row + 1)
    one = Batch(batch.inputs[here], batch.targets[here], batch.weights[here], None)

    def ask(params: Any) -> tuple[Any, Any]:
        return model.apply(params, one.inputs)[1], traces(model, params, one.inputs)

    outputs, found = jax.device_get(jax.jit(ask)(params))
    of_cells = tuple({name: each[name][:, 0] for name in ordered(each)} for each in found)
    inputs, targets = (np.asarray(part)[:, 0] for part in (one.inputs, one.targets))
    return Example(inputs, targets, outputs[:, 0], of_cells)


def shown(task: Task, batch: Batch) -> int:
    """Which sequence of a batch: of adding the one whose marks are furthest apart."""
    if not isinstance(task, Adding):
        return 0
    marked = np.asarray(batch.inputs[..., 1] == 1)
    last = len(marked) - 1 - marked[::-1].argmax(axis=0)
    return int((last - marked.argmax(axis=0)).argmax())


def ordered(traces: Mapping[str, Any]) -> list[str]:
    """The names of traces: gates, candidate, states, as `NAMES` has them; others first."""
    places = {name: place for place, name in enumerate(NAMES)}
    return sorted(traces, key=lambda name: places.get(name, -1))
