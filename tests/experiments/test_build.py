"""From a config to what trains, and what is derived on the way."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from experiments.build import build, build_model, with_lag, wrapped
from experiments.config import Experiment, ModelSettings
from experiments.text import TextFile
from lstm_jax import LSTM, Bidirectional, DropConnect, LearnedState, RecurrentDropout, Zoneout
from lstm_jax.cells import CELLS
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import Adding, Copying, Text
from lstm_jax.training import Adam, TrainSettings, choose_mesh

TRAIN = TrainSettings(batch_size=4, max_sequences=80, log_every=5, seeds=2)
EXPERIMENT = Experiment(Adding("bai2018", 20), ModelSettings(LSTM(3)), Adam(0.1), TRAIN)


def changed(**changes: Any) -> Experiment:
    return dataclasses.replace(EXPERIMENT, **changes)


def test_a_model_fits_its_task() -> None:
    settings = ModelSettings(LSTM(3), layers=2, embedding_size=5, dropout=0.5, executor="scan")
    stack = Stack((LSTM(3), LSTM(3)), dropout=0.5)
    assert build_model(settings, Copying("arjovsky2016", gap=4)) == SequenceModel(
        stack, 10, 9, tokens=True, embedding_size=5, dropout=0.5, executor="scan"
    )
    assert build_model(ModelSettings(LSTM(3)), Adding("bai2018", 20)) == SequenceModel(
        Stack((LSTM(3),)), 2, 1
    )


def test_a_cell_is_wrapped_as_the_settings_ask() -> None:
    settings = ModelSettings(
        LSTM(3),
        layers=2,
        bidirectional=True,
        residual=True,
        learned_state=True,
        recurrent_dropout=0.1,
        drop_connect=0.2,
        zoneout_c=0.3,
        readout_bias=False,
        shortcut=True,
    )
    cell = LearnedState(DropConnect(RecurrentDropout(Zoneout(LSTM(3), c=0.3), 0.1), 0.2))
    stack = Stack((Bidirectional(cell, cell),) * 2, residual=True)
    assert build_model(settings, Adding("bai2018", 20)) == SequenceModel(
        stack, 2, 1, readout_bias=False, shortcut=True
    )
    assert wrapped(LSTM(3), ModelSettings(LSTM(3))) == LSTM(3)


def test_a_text_is_not_read_backwards() -> None:
    task = Text("the quick brown fox " * 10, window=8, held_out=0.2, target_bits=1.0)
    with pytest.raises(ValueError, match=r"model\.bidirectional is true, but a model that reads"):
        build_model(ModelSettings(LSTM(3), bidirectional=True), task)


def test_every_cell_trains() -> None:
    """Traced, not compiled: the whole program of a run, with every cell by its name."""
    for name, cell in CELLS.items():
        own = {"projection_size": 2} if name == "lstmp" else {}
        model = ModelSettings(cell(4, **own), zoneout_h=0.1, drop_connect=0.1)
        parts = build(changed(model=model))
        state = jax.eval_shape(parts.program.start, jnp.arange(2))
        after, _ = jax.eval_shape(parts.program.run_steps, state, jnp.int32(0))
        assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state), name


@pytest.mark.parametrize(
    "bias, expected",
    [
        (Chrono(), Chrono(t_max=50)),
        (Chrono(t_max=7), Chrono(t_max=7)),
        (ForgetBias(2.0), ForgetBias(2.0)),
    ],
)
def test_chrono_takes_its_range_from_the_task(bias: Any, expected: Any) -> None:
    assert with_lag(LSTM(3, bias=bias), 50) == LSTM(3, bias=expected)


def test_a_task_tells_its_lag_to_the_model() -> None:
    model = build_model(ModelSettings(LSTM(3, bias=Chrono())), Adding("hochreiter1997", 100))
    assert model.stack.layers[0].bias == Chrono(t_max=110)


def test_everything_fits_together() -> None:
    """Traced, not compiled: a call of a run and a score of its test sequences."""
    parts = build(EXPERIMENT)
    assert parts.parameters == 3 + 1 + 12 * (2 + 3 + 1)
    assert parts.mesh.shape == choose_mesh(jax.devices(), seeds=2, batch_size=4).shape
    state = jax.eval_shape(parts.program.start, jnp.arange(2))
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state)} == {2}
    after, totals = jax.eval_shape(parts.program.run_steps, state, jnp.int32(0))
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert {leaf.shape for leaf in totals} == {(2,)}
    _, scores = jax.eval_shape(parts.program.evaluate, state)
    assert {leaf.shape for leaf in scores} == {(2,)}


def test_a_text_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("the quick brown fox " * 10)
    parts = build(changed(task=TextFile(target_bits=1.0, file=str(path), window=8, held_out=0.2)))
    assert parts.task.corpus == "the quick brown fox " * 10
    assert parts.model.tokens
    assert parts.model.input_size == len(parts.task.alphabet)
    state = jax.eval_shape(parts.program.start, jnp.arange(2))
    assert state.carry[0].h.shape == (2, 4, 3)


@pytest.mark.parametrize(
    "experiment, complaint",
    [
        (
            changed(optimizer=Adam(0.1, warmup_steps=20)),
            "warmup_steps=20 must be below the run's 20 steps",
        ),
        (
            changed(model=ModelSettings(LSTM(3), embedding_size=4)),
            "embedding_size=4 but the inputs are not tokens",
        ),
        (
            changed(task=TextFile(target_bits=1.0, file="/no/such.txt")),
            "task.file '/no/such.txt': ",
        ),
    ],
)
def test_settings_that_contradict_one_another_are_refused(
    experiment: Experiment, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        build(experiment)
