"""From a config to what trains: the task with its data, the model, the compiled program."""

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

import lstm_jax
from experiments.checkpoint.leaves import Leaf, differences, named_leaves
from experiments.config import Experiment, ModelSettings
from experiments.data import loaded
from experiments.pretrained import Beginning, experiment_of, pretrained, sequences_before
from lstm_jax.cells import Cell, DropConnect, LearnedState, RecurrentDropout, Zoneout
from lstm_jax.diagnostics import statistics_of_model
from lstm_jax.initializers import Chrono
from lstm_jax.layers import Bidirectional, SequenceModel, Stack
from lstm_jax.tasks import Batch, Task
from lstm_jax.training import (
    Member,
    Program,
    Training,
    build_program,
    choose_mesh,
    group_width,
    members,
    together,
)


class Build(NamedTuple):
    """What a config stands for."""

    task: Task
    model: SequenceModel
    mesh: Mesh
    members: Member
    """Every variant with every seed, one variant after another."""
    labels: tuple[str, ...]
    """What each member is called."""
    sequences_before: tuple[int, ...]
    """On how many sequences each member's first parameters were trained."""
    devices: Sequence[jax.Device]
    """Those that there were to choose from."""
    program: Program

    @property
    def data(self) -> str | None:
        """The SHA-256 of what the task is made of beside its settings, if there is such."""
        data = self.task.data
        return None if data is None else hashlib.sha256(data).hexdigest()

    @property
    def surroundings(self) -> dict[str, Any]:
        """What the last bits of a result may depend on."""
        device = self.mesh.devices.flat[0]
        return {
            "devices": self.mesh.size,
            "device": device.device_kind,
            "jax": jax.__version__,
            "lstm_jax": lstm_jax.__version__,
        }

    @property
    def parameters(self) -> int:
        """The number of parameters of one member's model."""
        return _parameters(self.model)


def build(
    experiment: Experiment,
    devices: Sequence[jax.Device] | None = None,
    after: Path | None = None,
) -> Build:
    """Build everything that a run needs, on `devices`; left out, on all that there are.

    `after` is the run whose parameters it begins with; left out, that of the config if it has one.

    Raises ValueError for settings that contradict one another.
    """
    task = build_task(experiment)
    train, model = experiment.train, learner(experiment, task)
    variants = [variant.experiment for variant in experiment.variants] or [experiment]
    began = _beginnings(experiment, [build_model(each.model, task) for each in variants], after)
    inits = list(dict.fromkeys(began))
    training = Training(
        task=task,
        model=model,
        optimizer=experiment.optimizer.build(train.max_steps),
        batch_size=train.batch_size,
        inits=tuple(each.init for each in inits),
        shares=train.shares,
        on_nonfinite=train.on_nonfinite,
        online=train.online,
        diagnose=partial(_told, model),
        diagnosed=experiment.diagnose.sequences,
    )
    which: Any = np.array([inits.index(each) for each in began], np.int32)
    who = together(
        [members(each.train.seed_numbers, each.optimizer.learning_rate) for each in variants]
    )._replace(init=which)
    width = train.side_by_side or group_width(training)
    groups = -(-len(who.place) // width)
    devices = devices or jax.devices()
    mesh = choose_mesh(devices, groups, train.shares)
    program = build_program(training, who, mesh, width)
    before = tuple(map(sequences_before, began))
    return Build(task, model, mesh, who, experiment.labels, before, devices, program)


def _beginnings(
    experiment: Experiment, models: Sequence[SequenceModel], after: Path | None
) -> list[Beginning]:
    """What gives each member its first parameters: the model of its variant, or an earlier run."""
    run = after or _run_before(experiment)
    if run is not None:
        return list(pretrained(run, experiment.labels, models[0]))
    return [model for model in models for _ in experiment.train.seed_numbers]


def _run_before(experiment: Experiment) -> Path | None:
    """The run that a config names to begin with."""
    named = experiment.model.pretrained
    return None if named is None else Path(named)


@lru_cache(maxsize=64)
def _parameters(model: SequenceModel) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(_shapes(model)))


def _shapes(model: SequenceModel) -> Any:
    """What a model's parameters are like."""
    return jax.eval_shape(model.init, jax.random.key(0))


def _told(model: SequenceModel, params: Any, batch: Batch) -> dict[str, Any]:
    """What a line of metrics tells of a member's gates, as "layer_0.f_mean"."""
    layers = statistics_of_model(model, params, batch.inputs, batch.lengths)
    told = {
        f"{layer}.{key}": v for layer, of_layer in layers.items() for key, v in of_layer.items()
    }
    return {key.replace(" ", "_").replace("%", ""): value for key, value in told.items()}


def check(experiment: Experiment) -> None:
    """Hold that a run can be built, as far as no device tells; ValueError if it cannot."""
    if (run := _run_before(experiment)) is not None:
        experiment_of(run, experiment.labels)
    model = learner(experiment, build_task(experiment))
    experiment.optimizer.build(experiment.train.max_steps)
    stages = [stage.experiment for stage in experiment.curriculum]
    for number, (stage, after) in enumerate(itertools.pairwise([*stages, experiment]), 1):
        check(stage)
        _check_stage(number, stage, after, model)


def _check_stage(number: int, stage: Experiment, after: Experiment, model: SequenceModel) -> None:
    """Hold that what a stage of a curriculum learns fits what comes after it."""
    if lacking := [label for label in after.labels if label not in stage.labels]:
        raise ValueError(
            f"stage {number} of the curriculum has no {lacking[0]}, which what comes after it has"
        )
    learns = learner(stage, build_task(stage))
    found, wanted = (named_leaves(_shapes(each)) for each in (learns, model))
    found = {name: Leaf(leaf.dtype.name, leaf.shape, "") for name, leaf in found.items()}
    if wrong := differences(found, wanted):
        raise ValueError(f"stage {number} of the curriculum has another model: {'; '.join(wrong)}")


def build_task(experiment: Experiment) -> Task:
    """The task of a config with its data; ValueError for data that cannot serve."""
    return loaded(experiment.task)


def learner(experiment: Experiment, task: Task) -> SequenceModel:
    """The model of a config; ValueError for one that cannot be trained as the config says."""
    model = build_model(experiment.model, task)
    if experiment.train.online:
        _check_online(experiment, model)
    return model


def _check_online(experiment: Experiment, model: SequenceModel) -> None:
    if model.draws:
        raise ValueError(
            "train.online is true, but what dropout, zoneout and drop_connect draw is for whole "
            "sequences"
        )
    if experiment.model.bidirectional:
        raise ValueError("train.online is true, but model.bidirectional needs whole sequences")
    for key, expected in [("schedule", "constant"), ("warmup_steps", 0)]:
        if (given := getattr(experiment.optimizer, key)) != expected:
            raise ValueError(
                f"train.online is true, and how many updates there will be is not known: "
                f"optimizer.{key} must be {expected!r}, got {given!r}"
            )


def build_model(settings: ModelSettings, task: Task) -> SequenceModel:
    """The model for a task; ValueError for one that the task cannot be learnt by."""
    if settings.bidirectional and task.streams:
        raise ValueError(
            "model.bidirectional is true, but a model that reads backwards has seen the symbols "
            "that this task asks for"
        )
    cell = wrapped(with_lag(settings.cell, task.lag), settings)
    layer = Bidirectional(cell, cell) if settings.bidirectional else cell
    between = settings.dropout if settings.layers > 1 else 0.0
    return SequenceModel(
        stack=Stack((layer,) * settings.layers, settings.residual, between),
        input_size=task.input_size,
        output_size=task.output_size,
        tokens=task.tokens,
        embedding_size=settings.embedding_size,
        dropout=settings.dropout,
        readout_bias=settings.readout_bias,
        readout_scale=settings.readout_scale,
        shortcut=settings.shortcut,
        executor=settings.executor,
    )


def wrapped(cell: Cell, settings: ModelSettings) -> Cell:
    """The cell within the wrappers that the settings ask for."""
    if settings.zoneout_c or settings.zoneout_h:
        cell = Zoneout(cell, settings.zoneout_c, settings.zoneout_h)
    if settings.recurrent_dropout:
        cell = RecurrentDropout(cell, settings.recurrent_dropout)
    if settings.drop_connect:
        cell = DropConnect(cell, settings.drop_connect)
    return LearnedState(cell) if settings.learned_state else cell


def with_lag(cell: Cell, lag: int) -> Cell:
    """The cell, with chrono initialisation for the longest dependency where none is given."""
    changes: dict[str, Any] = {
        field.name: Chrono(lag)
        for field in dataclasses.fields(cell)
        if getattr(cell, field.name) == Chrono(t_max=None)
    }
    return dataclasses.replace(cell, **changes)
