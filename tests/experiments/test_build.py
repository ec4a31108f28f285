"""From a config to what trains, and what is derived on the way."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.build import build, build_model, check, with_lag, wrapped
from experiments.config import Experiment, ModelSettings
from experiments.config.laid_over import Keys
from experiments.config.schema import DiagnoseSettings, Variant
from experiments.digits import Digits
from experiments.text import TextFile
from lstm_jax import (
    LSTM,
    LSTM1997,
    Bidirectional,
    DropConnect,
    LearnedState,
    RecurrentDropout,
    Zoneout,
)
from lstm_jax.cells import CELLS
from lstm_jax.diagnostics import traces
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import Adding, ContinualReber, Copying, Task, Text
from lstm_jax.training import Adam, TrainSettings
from lstm_jax.training.online import Running
from tests.cases import PRESETS
from tests.conftest import COMPLETE
from tests.lstm_jax.tasks.test_base import ALL

TRAIN = TrainSettings(batch_size=4, max_sequences=80, log_every=5, seeds=2)
EXPERIMENT = Experiment(Adding("bai2018", 20), ModelSettings(LSTM(3)), Adam(0.1), TRAIN)
CALL = (jnp.int32(0), jnp.bool_(True))


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


@pytest.mark.parametrize(
    "model, complaint",
    [
        ({"dropout": 0.1}, "what dropout, zoneout and drop_connect draw"),
        ({"zoneout_h": 0.1}, "what dropout, zoneout and drop_connect draw"),
        ({"bidirectional": True}, r"model\.bidirectional needs whole sequences"),
    ],
)
def test_what_needs_whole_sequences_is_not_trained_online(model: Any, complaint: str) -> None:
    train = dataclasses.replace(EXPERIMENT.train, online=True)
    experiment = changed(model=ModelSettings(LSTM(3), **model), train=train)
    with pytest.raises(ValueError, match=rf"train\.online is true, but {complaint}"):
        check(experiment)
    check(changed(model=ModelSettings(LSTM(3), learned_state=True), train=train))


@pytest.mark.parametrize("optimizer", [Adam(0.1, schedule="cosine"), Adam(0.1, warmup_steps=3)])
def test_a_schedule_needs_to_know_how_many_updates_there_will_be(optimizer: Adam) -> None:
    train = dataclasses.replace(EXPERIMENT.train, online=True)
    with pytest.raises(ValueError, match=r"optimizer\.(schedule|warmup_steps) must be"):
        check(changed(optimizer=optimizer, train=train))


def test_streams_are_learnt_online_too() -> None:
    """Traced, not compiled."""
    train = dataclasses.replace(EXPERIMENT.train, online=True)
    model = ModelSettings(LSTM1997(4, truncated=True))
    parts = build(changed(task=ContinualReber(window=10), model=model, train=train))
    state = jax.eval_shape(parts.program.start)
    after, _ = jax.eval_shape(parts.program.run_steps, state, *CALL)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert isinstance(after.learnt.carry, Running)


def test_the_gates_of_each_member_are_looked_at_on_its_test_sequences() -> None:
    parts = build(changed(diagnose=DiagnoseSettings(every=5, sequences=7)))
    states = parts.program.start()
    told = parts.program.diagnose(states)
    for place, seed in enumerate(parts.members.seed):
        params = jax.tree.map(lambda leaf, lane=place: leaf[lane], states.learnt.params)
        key = jax.random.fold_in(jax.random.key(seed), 3)
        batch = parts.task.test_batch(key, jnp.int32(0), jnp.arange(7))
        (states_of,) = traces(parts.model, params, batch.inputs)
        for gate in "ifo":
            mean, high = float(states_of[gate].mean()), float((states_of[gate] > 0.9).mean())
            assert float(told[f"layer_0.{gate}_mean"][place]) == pytest.approx(mean, 1e-5)
            assert float(told[f"layer_0.{gate}_high"][place]) == pytest.approx(high, 1e-5)
    assert {*told} >= {"layer_0.c_rms", "layer_0.time_scale_50"}


def test_every_cell_trains() -> None:
    """Traced, not compiled: the whole program of a run, with every cell by its name."""
    for name, cell in CELLS.items():
        if name in PRESETS and not COMPLETE:
            continue
        own = {"projection_size": 2} if name == "lstmp" else {}
        model = ModelSettings(cell(4, **own), zoneout_h=0.1, drop_connect=0.1)
        parts = build(changed(model=model))
        state = jax.eval_shape(parts.program.start)
        after, _ = jax.eval_shape(parts.program.run_steps, state, *CALL)
        assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state), name


@pytest.mark.few(6)
@pytest.mark.parametrize("task", ALL.values(), ids=ALL)
def test_every_task_is_learnt_from(task: Task) -> None:
    """Traced, not compiled."""
    parts = build(changed(task=task))
    state = jax.eval_shape(parts.program.start)
    after, _ = jax.eval_shape(parts.program.run_steps, state, *CALL)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    asked = jnp.ones(parts.program.lanes.count, bool)
    _, _, scores = jax.eval_shape(parts.program.evaluate, state, asked)
    assert {leaf.shape for leaf in scores} == {(parts.program.lanes.count,)}


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
    lanes = parts.program.lanes.count
    assert parts.labels == ("seed_0", "seed_1")
    state = jax.eval_shape(parts.program.start)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state)} == {lanes}
    after, standing = jax.eval_shape(parts.program.run_steps, state, *CALL)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert {leaf.shape for leaf in jax.tree.leaves(standing)} == {(lanes,)}
    _, _, scores = jax.eval_shape(parts.program.evaluate, state, jnp.ones(lanes, bool))
    assert {leaf.shape for leaf in scores} == {(lanes,)}


@pytest.mark.parametrize(
    "train, shape",
    [
        ({"seeds": 2, "side_by_side": 1}, {"seeds": 2, "data": 1}),
        ({"seeds": 2, "side_by_side": 2}, {"seeds": 1, "data": 1}),
        ({"seeds": 1, "shares": 2}, {"seeds": 1, "data": 2}),
        ({"seeds": 1}, {"seeds": 1, "data": 1}),
    ],
)
def test_devices_are_shared_by_groups_of_seeds_then_by_shares_of_a_batch(
    train: dict[str, Any], shape: dict[str, int]
) -> None:
    train = {"batch_size": 4, "max_sequences": 80, "log_every": 5} | train
    parts = build(changed(train=TrainSettings(**train)), jax.devices()[:2])
    assert dict(parts.mesh.shape) == shape
    assert parts.surroundings["devices"] == parts.mesh.size
    assert len(parts.devices) == 2


def test_members_are_the_seeds_of_each_variant() -> None:
    rates = [changed(optimizer=Adam(rate)) for rate in (0.2, 0.3)]
    biased = changed(model=ModelSettings(LSTM(3, bias=ForgetBias(3.0))))
    later = changed(train=dataclasses.replace(TRAIN, first_seed=5))
    each = [*rates, biased, later]
    variants = tuple(Variant(Keys({"n": n}), one) for n, one in enumerate(each))
    parts = build(changed(variants=variants))
    who = parts.members
    assert who.place.tolist() == [*range(8)]
    assert who.seed.tolist() == [0, 1, 0, 1, 0, 1, 5, 6]
    expected = np.float32([0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1])
    assert who.learning_rate.tolist() == expected.tolist()
    assert who.init.tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert parts.labels[:3] == ("variant_0/seed_0", "variant_0/seed_1", "variant_1/seed_0")
    assert parts.labels[6:] == ("variant_3/seed_5", "variant_3/seed_6")


def test_a_text_is_known_by_its_content(tmp_path: Path) -> None:
    found = []
    for name, corpus in (("a", "quick "), ("b", "quick "), ("c", "quack ")):
        path = tmp_path / name
        path.write_text(corpus * 30)
        text = TextFile(target_bits=1.0, file=str(path), window=8, held_out=0.2)
        found.append(build(changed(task=text)).data)
    assert found[0] == found[1] != found[2]
    assert build(EXPERIMENT).data is None


def test_images_are_known_by_their_content() -> None:
    images = Digits("rows").load().images
    expected = hashlib.sha256(images.data).hexdigest()
    assert build(changed(task=Digits("permuted"))).data == expected


def test_a_text_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("the quick brown fox " * 10)
    parts = build(changed(task=TextFile(target_bits=1.0, file=str(path), window=8, held_out=0.2)))
    assert parts.task.corpus == "the quick brown fox " * 10
    assert parts.model.tokens
    assert parts.model.input_size == len(parts.task.alphabet)
    state = jax.eval_shape(parts.program.start)
    assert state.learnt.carry[0].h.shape == (parts.program.lanes.count, 4, 3)


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
