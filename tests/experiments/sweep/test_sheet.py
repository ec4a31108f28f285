"""A sweep file: its cells, each a whole experiment, and every fault before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import ConfigError, load
from experiments.sweep.sheet import Sheet, is_sheet, load_sheet
from lstm_jax.checks import field_annotations
from lstm_jax.initializers import Chrono, ForgetBias
from lstm_jax.training import TrainSettings
from tests.experiments.sweep.conftest import complaints

Read = Callable[..., Sheet]
TRAIN = field_annotations(TrainSettings)


def cells(sheet: Sheet) -> list[tuple[float, int]]:
    of = [cell.experiment for cell in sheet.cells]
    return [(each.optimizer.learning_rate, each.model.cell.hidden_size) for each in of]


GRID = "grid: {optimizer.learning_rate: [1e-3, 0.01], model.hidden_size: [4, 8]}\n"


def test_a_grid_is_every_combination(read_sheet: Read) -> None:
    sheet = read_sheet(f"title: Two by two\n{GRID}")
    assert cells(sheet) == [(1e-3, 4), (1e-3, 8), (0.01, 4), (0.01, 8)]
    assert sheet.title == "Two by two"
    assert str(sheet.cells[1]) == "optimizer.learning_rate=0.001, model.hidden_size=8"


def test_a_list_is_its_cells(read_sheet: Read) -> None:
    text = "list:\n - {}\n - {model.hidden_size: 9}\n - {model.bias: chrono}\n"
    assert cells(read_sheet(text)) == [(0.1, 2), (0.1, 9), (0.1, 2)]
    assert read_sheet(text).cells[2].experiment.model.cell.bias == Chrono()


def test_set_holds_for_all_but_what_a_cell_sets(read_sheet: Read) -> None:
    text = "set: {optimizer.learning_rate: 7, train.seeds: 5}\n"
    sheet = read_sheet(text + "list: [{}, {optimizer.learning_rate: 1}]")
    assert cells(sheet) == [(7.0, 2), (1.0, 2)]
    assert {cell.experiment.train.seeds for cell in sheet.cells} == {5}


def test_a_cell_may_bring_what_its_config_lacks(write_sheet: Callable[..., Path]) -> None:
    base = (
        "task: {name: adding, variant: bai2018, length: 20}\nmodel: {cell: lstm}\n"
        "optimizer: {name: sgd, learning_rate: 0.1}\n"
        "train: {batch_size: 4, max_sequences: 40, log_every: 4}\n"
    )
    sheet = load_sheet(write_sheet("grid: {model.hidden_size: [4, 8]}", base))
    assert cells(sheet) == [(0.1, 4), (0.1, 8)]


def test_a_value_may_be_a_section(read_sheet: Read) -> None:
    sheet = read_sheet("grid: {model.bias: [chrono, {name: forget, value: 2}]}")
    assert [each.experiment.model.cell.bias for each in sheet.cells] == [Chrono(), ForgetBias(2.0)]


def test_the_config_is_found_from_the_sweep(
    write_sheet: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sheet("config: ../base.yaml\ngrid: {model.hidden_size: [4]}")
    (tmp_path / "sweeps").mkdir()
    path = path.rename(tmp_path / "sweeps" / "a.yaml")
    monkeypatch.chdir("/")
    assert load_sheet(path).config == tmp_path / "base.yaml"


def test_it_reads_back_as_a_list_of_the_same_cells(
    write_sheet: Callable[..., Path], tmp_path: Path
) -> None:
    sheet = load_sheet(write_sheet(f'title: "a: b"\nset: {{train.seeds: 3}}\n{GRID}'))
    again = tmp_path / "again.yaml"
    again.write_text(sheet.dump("base.yaml"))
    assert load_sheet(again) == sheet


def test_all_faults_at_once_each_on_its_line(write_sheet: Callable[..., Path]) -> None:
    text = (
        "set:\n  train.sedes: 3\n"
        "grid:\n  optimizer.learning_rate: [1e-3, -1]\n"
        "  model.hidden_size:\n    - 4\n    - big\n    - !new 3\n"
    )
    assert complaints(write_sheet, text) == [
        "sweep.yaml:3: train.sedes: unknown key; did you mean 'seeds'? known: "
        + ", ".join(sorted(TRAIN)),
        "sweep.yaml:5: optimizer.learning_rate: must be above 0.0, got -1",
        "sweep.yaml:8: model.hidden_size: must be an integer, got 'big'",
        "sweep.yaml:9: grid.'model.hidden_size'[2]: the tag '!new' is refused; "
        "a config holds plain values only",
    ]


def test_a_contradiction_with_the_config_names_its_cell(write_sheet: Callable[..., Path]) -> None:
    assert complaints(write_sheet, "grid: {train.batch_size: [4, 50, 60]}") == [
        "base.yaml:5: train: max_sequences=40 must be at least batch_size=50 "
        "(in the cell train.batch_size=50)",
        "base.yaml:5: train: max_sequences=40 must be at least batch_size=60 "
        "(in the cell train.batch_size=60)",
    ]


def test_a_fault_of_the_config_is_said_once(write_sheet: Callable[..., Path]) -> None:
    base = (
        "task: {name: adding, variant: bai2018, length: 20}\nmodel: {cell: lstm, hidden_size: 2}\n"
        "optimizer: {name: sgd, learning_rate: 0}\n"
        "train: {batch_size: 4, max_sequences: 40, log_every: 4}\n"
    )
    assert complaints(write_sheet, "grid: {model.hidden_size: [4, 8]}", base) == [
        "base.yaml:3: optimizer.learning_rate: must be above 0.0, got 0"
    ]


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    with pytest.raises(ConfigError, match="is empty; expected config, and a grid or a list"):
        load_sheet(tmp_path / "a.yaml")


def test_a_cell_is_what_overrides_would_make_of_the_config(
    read_sheet: Read, tmp_path: Path
) -> None:
    cell = read_sheet(GRID).cells[2]
    overrides = ["optimizer.learning_rate=0.01", "model.hidden_size=4"]
    assert cell.experiment == load(tmp_path / "base.yaml", overrides)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("config: a.yaml", True),
        ("lst: []\nconfig: a.yaml", True),
        ("grid: {}", True),
        ("list: 3", True),
        ("task: {}\nmodel: {}", False),
        ("- list", False),
        ("a: [", True),
    ],
)
def test_a_sheet_is_told_from_a_config(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert is_sheet(tmp_path / "a.yaml") == expected
