"""The registries of the house make a schema, and clashes between its parts are refused."""

import dataclasses
from pathlib import Path

import pytest

from experiments.config import ConfigError, dump, load
from experiments.config.schema import (
    SCHEMA,
    DiagnoseSettings,
    ModelSettings,
    OutputSettings,
    Published,
    Schema,
)
from experiments.text import TextFile
from lstm_jax.cells import CELLS, LSTM
from lstm_jax.initializers import GATE_BIASES, Chrono
from lstm_jax.tasks import TASKS, Adding
from lstm_jax.training import OPTIMIZERS


def test_every_registered_class_has_a_name() -> None:
    registered = [*TASKS, *CELLS, *OPTIMIZERS, *GATE_BIASES]
    assert set(registered) == set(SCHEMA.names.values())


CONFIG = """\
task: {name: adding, variant: hochreiter1997, length: 100}
model: {cell: lstm, hidden_size: 4, bias: chrono}
optimizer: {name: adam, learning_rate: 1e-2, clip_norm: 1}
train: {batch_size: 20, max_sequences: 100, log_every: 5}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.yaml"
    path.write_text(CONFIG)
    return path


def test_a_config_of_the_house_is_read_and_dumped(path: Path) -> None:
    experiment = load(path)
    assert experiment.task == Adding("hochreiter1997", 100)
    assert experiment.model.cell == LSTM(4, bias=Chrono())
    assert experiment.optimizer.clip_norm == 1.0
    path.write_text(dump(experiment))
    assert load(path) == experiment


def test_the_text_task_names_a_file(path: Path) -> None:
    task = "task={name: text, file: a.txt, target_bits: 2}"
    assert load(path, [task]).task == TextFile(target_bits=2.0, file="a.txt")


def test_what_a_run_leaves_behind_need_not_be_said(path: Path) -> None:
    assert load(path).output == OutputSettings()
    changed = load(path, ["output={log: [tensorboard], keep_checkpoints: 1}"]).output
    assert changed == OutputSettings(60.0, 1, ("tensorboard",))


@pytest.mark.parametrize(
    "override, complaint",
    [
        ("output.log=[tensorbord]", r"output\.log\[0\]: .*did you mean 'tensorboard'\?"),
        ("output.log=wandb", r"output\.log: must be a list"),
        ("output.keep_checkpoints=0", r"output\.keep_checkpoints: must be at least 1, got 0"),
        ("output.checkpoint_seconds=0", r"output\.checkpoint_seconds: must be above 0\.0, got 0"),
        ("output.checkpoints=3", r"output\.checkpoints: unknown key"),
    ],
)
def test_what_it_cannot_leave_behind_is_a_fault(path: Path, override: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(path, [override])


def test_gates_are_looked_at_where_lines_are(path: Path) -> None:
    assert load(path).diagnose == DiagnoseSettings(every=None, sequences=32)
    assert load(path, ["diagnose.every=250", "train.log_every=125"]).diagnose.every == 250
    with pytest.raises(ConfigError) as caught:
        load(path, ["diagnose.every=100", "train.log_every=125"])
    assert str(caught.value) == (
        "command line 'diagnose.every=100': diagnose.every: must be a multiple of "
        "train.log_every=125, got 100"
    )


def test_what_others_had_is_said_where_it_is_known(path: Path) -> None:
    assert load(path).published is None
    assert "published" not in dump(load(path))
    known = load(path, ["published={source: Someone 1999, sequences: 500, solve_rate: 0.5}"])
    assert known.published == Published(source="Someone 1999", sequences=500.0, solve_rate=0.5)
    path.write_text(dump(known))
    assert load(path) == known


@pytest.mark.parametrize(
    "override, complaint",
    [
        ("published={sequences: 500}", r"published\.source: missing"),
        ("published={source: A, solve_rate: 1.5}", r"published\.solve_rate: must be at most 1"),
        ("published={source: A, sequences: 0}", r"published\.sequences: must be above 0"),
        ("published={source: A, sequence: 9}", r"unknown key; did you mean 'sequences'\?"),
    ],
)
def test_what_others_cannot_have_had_is_a_fault(path: Path, override: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(path, [override])


def test_contradictions_in_the_house_are_faults(path: Path) -> None:
    with pytest.raises(ConfigError, match=r": train: max_sequences=10 must be at least batch_size"):
        load(path, ["train.max_sequences=10"])


def test_a_model_checks_its_ranges_in_code_too() -> None:
    with pytest.raises(ValueError, match="layers must be at least 1"):
        ModelSettings(cell=LSTM(2), layers=0)
    with pytest.raises(ValueError, match="executor is 'scam'; did you mean 'scan'"):
        ModelSettings(cell=LSTM(2), executor="scam")


def test_a_cell_may_not_take_a_key_of_all_models(schema: Schema) -> None:
    @dataclasses.dataclass(frozen=True)
    class Tower(LSTM):
        layers: int = 2

    clashing = dataclasses.replace(schema, cells={"tower": Tower})
    with pytest.raises(TypeError, match=r"Tower and ModelSettings share the fields \['layers'\]"):
        _ = clashing.adapter
