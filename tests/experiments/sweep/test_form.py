"""What a sweep file may not look like, each said on its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.sweep.form import MAX_CELLS
from tests.experiments.sweep.conftest import complaints


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "sweep.yaml:1: must have either a grid or a list of cells; it has neither"),
        (
            "grid: {model.hidden_size: [1]}\nlist: [{}]",
            "sweep.yaml:1: must have either a grid or a list of cells; it has both",
        ),
        ("gird: {}", "sweep.yaml:2: gird: unknown key; did you mean 'grid'? "
         "known: config, grid, list, set, title"),
        ("grid: {}", "sweep.yaml:2: grid: has no keys; expected {dotted.key: [values]}"),
        ("grid: [1]", "sweep.yaml:2: grid: must be a section of keys and values, got a list"),
        ("grid: {train.seeds: 3}",
         "sweep.yaml:2: grid.'train.seeds': must be a list of values, got 3"),
        ("grid: {train.seeds: []}",
         "sweep.yaml:2: grid.'train.seeds': must be a list of values, got an empty one"),
        ("list: {}", "sweep.yaml:2: list: must be a list of cells, got a section"),
        ("list: []", "sweep.yaml:2: list: must be a list of cells, got an empty one"),
        ("list: [{}, 3]", "sweep.yaml:2: list[1]: must be a section of keys and values, got 3"),
        ("set: 3\nlist: [{}]", "sweep.yaml:2: set: must be a section of keys and values, got 3"),
        ("list: [{}, {}]", "sweep.yaml:2: the cell {} is the same as the cell {}"),
        ("grid: {train.seeds: [1, 2, 0x2]}",
         "sweep.yaml:2: the cell train.seeds=2 is the same as the cell train.seeds=2"),
        ("list: [{variants: [{optimizer.learning_rate: 1}]}]",
         "sweep.yaml:2: variants: a sweep makes these itself; leave the key out"),
        ("list: [{train..seeds: 1}]",
         "sweep.yaml:2: has an empty key; expected dotted.key=value"),
        ("config: nowhere.yaml\nlist: [{}]", "nowhere.yaml: there is no such file"),
        ("config: 3\nlist: [{}]", "sweep.yaml:1: config: must be text, got 3"),
        (f"list: [{'{}, ' * MAX_CELLS}{{}}]", "sweep.yaml:2: list: has 2,001 cells; at most 2,000"),
        ("grid: {train.seeds: [%s], model.layers: [%s]}" % (("1, " * 50,) * 2),
         "sweep.yaml:2: grid: has 2,500 cells; at most 2,000"),
    ],
)  # fmt: skip
def test_a_fault_of_form(write_sheet: Callable[..., Path], text: str, complaint: str) -> None:
    assert complaints(write_sheet, text) == [complaint]
