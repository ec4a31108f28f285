"""From a config to what trains: the task with its data, the model, the compiled program."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh

from experiments.config import Experiment, ModelSettings
from experiments.text import TextFile
from lstm_jax.cells import Cell, DropConnect, LearnedState, RecurrentDropout, Zoneout
from lstm_jax.initializers import Chrono
from lstm_jax.layers import Bidirectional, SequenceModel, Stack
from lstm_jax.tasks import Task
from lstm_jax.training import Program, Training, build_program, choose_mesh


class Build(NamedTuple):
    """What a config stands for."""

    task: Task
    model: SequenceModel
    mesh: Mesh
    program: Program

    @property
    def parameters(self) -> int:
        """The number of parameters of one seed's model."""
        shapes = jax.eval_shape(self.model.init, jax.random.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def build(experiment: Experiment, devices: Sequence[jax.Device] | None = None) -> Build:
    """Build everything that a run needs, on `devices`; left out, on those of this machine.

    Raises ValueError for settings that contradict one another.
    """
    task = experiment.task.load() if isinstance(experiment.task, TextFile) else experiment.task
    assert isinstance(task, Task)
    train = experiment.train
    model = build_model(experiment.model, task)
    optimizer = experiment.optimizer.build(train.max_steps)
    training = Training(task, model, optimizer, train.batch_size)
    mesh = choose_mesh(devices or jax.devices(), train.seeds, train.batch_size)
    return Build(task, model, mesh, build_program(training, mesh))


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
