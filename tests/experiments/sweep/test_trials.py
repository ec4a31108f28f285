"""Which cells share a program, and what a trial is called."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from experiments.config import dump, load
from experiments.sweep.sheet import Sheet
from experiments.sweep.trials import Place, Trial, digest, group

Read = Callable[..., Sheet]


def trials(sheet: Sheet) -> list[Trial]:
    return group(cell.experiment for cell in sheet.cells)


def test_what_may_vary_shares_a_program_and_shapes_do_not(read_sheet: Read) -> None:
    sheet = read_sheet(
        "grid: {optimizer.learning_rate: [1e-3, 0.1], model.hidden_size: [4, 8], "
        "model.bias: [chrono, forget], train.first_seed: [0, 100]}"
    )
    found = trials(sheet)
    assert [trial.experiment.model.cell.hidden_size for trial in found] == [4, 8]
    assert [len(trial.cells) for trial in found] == [8, 8]
    assert {cell for trial in found for cell in trial.cells} == {
        cell.experiment for cell in sheet.cells
    }


def test_only_the_keys_that_differ_are_variants(read_sheet: Read) -> None:
    (trial,) = trials(read_sheet("grid: {optimizer.learning_rate: [1e-3, 0.1]}"))
    assert [dict(each.keys) for each in trial.experiment.variants] == [
        {"optimizer.learning_rate": 0.001},
        {"optimizer.learning_rate": 0.1},
    ]


def test_a_cell_alone_is_a_plain_config(read_sheet: Read) -> None:
    sheet = read_sheet("grid: {model.hidden_size: [4, 8]}")
    assert [trial.experiment for trial in trials(sheet)] == [c.experiment for c in sheet.cells]


def test_biases_of_the_cell_of_1997_share_a_program(read_sheet: Read) -> None:
    text = "set: {model.cell: lstm1997}\ngrid: {model.input_bias: [[-1, -2], [-3.5, -6]]}"
    (trial,) = trials(read_sheet(text))
    assert [dict(each.keys) for each in trial.experiment.variants] == [
        {"model.input_bias": [-1.0, -2.0]},
        {"model.input_bias": [-3.5, -6.0]},
    ]


def test_what_a_trial_is_written_as_reads_back_equal(read_sheet: Read, tmp_path: Path) -> None:
    text = "{optimizer.learning_rate: [1e-3, 0.1], model.bias: [chrono, {name: forget, value: 2}]}"
    (trial,) = trials(read_sheet(f"grid: {text}"))
    path = tmp_path / "trial.yaml"
    path.write_text(dump(trial.experiment))
    assert load(path) == trial.experiment
    assert Trial(load(path)).name == trial.name


def test_its_name_begins_the_hash_of_its_config(read_sheet: Read) -> None:
    trial, other = trials(read_sheet("grid: {model.hidden_size: [4, 8]}"))
    assert trial.name == hashlib.sha256(dump(trial.experiment).encode()).hexdigest()[:12]
    assert digest(trial.experiment).startswith(trial.name)
    assert trial.name != other.name


def test_places_are_in_the_order_of_the_variants(read_sheet: Read) -> None:
    sheet = read_sheet("grid: {optimizer.learning_rate: [3, 2, 1]}")
    (trial,) = trials(sheet)
    places = [trial.places[cell.experiment] for cell in sheet.cells]
    assert places == [Place(trial.name, 0), Place(trial.name, 1), Place(trial.name, 2)]
