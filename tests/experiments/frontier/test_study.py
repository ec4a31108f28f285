"""A sweep read as a study: spots, names, the lag of each task, and what is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.frontier.study import Spot, Study, study_of
from experiments.sweep.sheet import load_sheet
from tests.experiments.frontier.conftest import MODELS

ROOT = Path(__file__).parents[3]


def test_every_cell_has_its_spot(study: Study) -> None:
    assert study.models == MODELS
    assert study.lags == {"adding": [20, 30, 100], "temporal_order": [20, 30]}
    assert study.keys == {"adding": "length", "temporal_order": "length"}
    assert len(study.spots) == len(study.sheet.cells) == 5 * 4 * 2
    for cell, spot in zip(study.sheet.cells, study.spots, strict=True):
        task = cell.keys["task"]
        assert (spot.task, spot.lag) == (task["name"], task["length"])
        assert spot.model.lower().startswith(cell.keys["model"]["cell"])
    assert study.spots[:2] == (Spot("adding", 100, "Elman"),) * 2


def test_a_part_has_its_tasks_and_lags_alone(study: Study) -> None:
    part = study.among(["adding"], 30)
    assert (part.keys, part.lags) == ({"adding": "length"}, {"adding": [20, 30]})
    assert len(part.sheet.cells) == len(part.spots) == 2 * 4 * 2
    assert study.among(None, None) == study


@pytest.mark.parametrize(
    "tasks, longest, complaint",
    [
        (["ading"], None, "unknown task 'ading'; did you mean 'adding'?"),
        (None, 19, "--longest 19 leaves no lag; the shortest is 20"),
    ],
)
def test_a_part_without_cells_is_refused(
    study: Study, tasks: list[str] | None, longest: int | None, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        study.among(tasks, longest)


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        ("bai2018, length: 100", "arjovsky2016, length: 100", "differ in variant and length; a st"),
        ("{name: temporal_order, variant: 6a, length: 20}", "{name: copying, variant: tallec2018, "
         "gap: 3}", "differ in nothing; a study"),
        ("temporal_order, variant: 6a, length: 30}", "copying, variant: arjovsky2016, gap: 3}\n"
         "    - {name: copying, variant: arjovsky2016, gap: 4, answer_weight: 2}\n"
         "    - {name: copying, variant: arjovsky2016, gap: 4}",
         "differ in gap and answer_weight; .* other numbers only if each lag has its own"),
        ("bias: chrono", "bias: {name: forget, value: 1}, layers: 2", "are both called 'LSTM, for"),
    ],
)  # fmt: skip
def test_what_is_no_study_is_refused(
    write_study: Callable[..., Path], old: str, new: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        study_of(load_sheet(write_study(old, new)))


def test_other_seeds_are_told_in_the_sheet_too(study: Study, tmp_path: Path) -> None:
    sheet = study.sheet.with_seeds(3)
    assert {cell.experiment.train.seeds for cell in sheet.cells} == {3}
    (tmp_path / "again.yaml").write_text(sheet.dump("base.yaml"))
    assert load_sheet(tmp_path / "again.yaml").cells == sheet.cells
    with pytest.raises(ValueError, match="--seeds must be at least 1, got 0"):
        study.sheet.with_seeds(0)


def test_the_study_of_the_checkout_asks_what_it_should() -> None:
    study = study_of(load_sheet(ROOT / "configs" / "studies" / "lag_frontier.yaml"))
    assert study.models == ["Elman", "IRNN", "GRU", "LSTM, forget bias 1", "LSTM, chrono"]
    assert study.keys == {"adding": "length", "copying": "gap", "temporal_order": "length"}
    assert all(lags[-1] == 10000 and len(lags) == 7 for lags in study.lags.values())
    experiments = [cell.experiment for cell in study.sheet.cells]
    assert len({(each.train.max_sequences, each.train.batch_size) for each in experiments}) == 1
    assert {each.model.cell.hidden_size for each in experiments} == {16}  # type: ignore[attr-defined]
