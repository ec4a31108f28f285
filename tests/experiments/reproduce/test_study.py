"""What a study is, which rows of it are asked for, and what is refused in one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import ConfigError
from experiments.reproduce import study as module
from experiments.reproduce.study import Study, load_study, studies
from experiments.run.run import BadInput
from experiments.sweep.sheet import load_sheet

WriteRecipe = Callable[[str], Path]


def names(study: Study) -> dict[str, tuple[str, ...]]:
    return {recipe.name: recipe.rows for recipe in study.recipes}


WHOLE = {"modern": ("2c 50/50", "Adding", "2c 100/100"), "original": ("2c 50/50",)}


def test_a_study_is_found_by_its_name_and_by_its_path(papers: Path) -> None:
    assert names(load_study("paper1997")) == WHOLE
    assert load_study(str(papers / "paper1997")) == load_study("paper1997")
    assert load_study("paper1997").name == "paper1997"


def test_configs_without_rows_are_no_recipes_and_folders_without_recipes_no_studies(
    papers: Path,
) -> None:
    (papers / "notes").mkdir()
    (papers / "notes" / "base.yaml").write_text("task: {name: adding}\n")
    assert list(studies(papers)) == ["paper1997"]
    assert studies(papers / "none") == {}
    with pytest.raises(BadInput, match=r"notes holds no recipe: no \.yaml file in it is a sweep"):
        load_study("notes")


@pytest.mark.parametrize(
    "patterns, kept",
    [
        (["2C*"], {"modern": ("2c 50/50", "2c 100/100"), "original": ("2c 50/50",)}),
        (["adding"], {"modern": ("Adding",)}),
        (["*100", "ADD*"], {"modern": ("Adding", "2c 100/100")}),
        (["*"], WHOLE),
    ],
)
def test_rows_are_chosen_by_patterns(
    papers: Path, patterns: list[str], kept: dict[str, tuple[str, ...]]
) -> None:
    found = load_study("paper1997").chosen(None, patterns)
    assert names(found) == kept
    for recipe in found.recipes:
        rows = [cell.experiment.published for cell in recipe.sheet.cells]
        assert rows == list(recipe.published)


def test_recipes_are_chosen_by_name_in_their_order(papers: Path) -> None:
    study = load_study("paper1997")
    assert names(study.chosen(["original", "modern"])) == WHOLE
    assert names(study.chosen(["original"])) == {"original": ("2c 50/50",)}
    assert study.chosen() == study


def test_another_number_of_seeds_is_that_of_every_cell_and_reads_back(
    papers: Path, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    published = "published: {source: s, row: a}"
    train = "train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}"
    write_recipe(f"list:\n  - {{train.seeds: 3, {published}, {train}}}\n")
    for recipe in load_study("paper1997").chosen(seeds=7).recipes:
        assert [cell.experiment.train.seeds for cell in recipe.sheet.cells] == [7]
        path = tmp_path / "again.yaml"
        path.write_text(recipe.sheet.dump(str(recipe.sheet.config.absolute())))
        assert load_sheet(path).cells == recipe.sheet.cells


@pytest.mark.parametrize(
    "asked, complaint",
    [
        (
            {"recipes": ["modrn"]},
            "unknown recipe 'modrn'; did you mean 'modern'? known: modern, original",
        ),
        (
            {"patterns": ["2c*", "adingd"]},
            "no row matches 'adingd'; did you mean 'Adding'? known: 2c 100/100, 2c 50/50, Adding",
        ),
        ({"seeds": 0}, "--seeds must be at least 1, got 0"),
    ],
)
def test_what_is_not_there_is_refused(
    papers: Path, asked: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BadInput) as caught:
        load_study("paper1997").chosen(**asked)
    assert str(caught.value) == complaint


def test_an_unknown_study_is_told_with_the_nearest(papers: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load_study("paper1979")
    assert str(caught.value) == (
        "unknown study 'paper1979'; did you mean 'paper1997'? known: paper1997"
    )
    shutil.rmtree(papers)
    with pytest.raises(BadInput, match=f"unknown study 'paper1997'; there is none in {papers}"):
        load_study("paper1997")


@pytest.mark.parametrize(
    "cells, complaint",
    [
        (
            "list:\n  - {model.hidden_size: 4}",
            "{}: the cell model.hidden_size=4 has no published.row, which names the row of the "
            "paper",
        ),
        (
            "set: {published: {source: s}}\nlist:\n  - {model.hidden_size: 4}",
            "{}: the cell model.hidden_size=4 has no published.row, which names the row of the "
            "paper",
        ),
        (
            "set: {published: {source: s, row: 2c}}\ngrid: {model.hidden_size: [4, 5]}",
            "{}: the cells model.hidden_size=4 and model.hidden_size=5 are both of the row '2c'",
        ),
        (
            "set: {published.source: s}\nlist: [{published.row: a}, {published.row: A}]",
            "{}: the cells published.row=a and published.row=A are both of the row 'A'",
        ),
    ],
)
def test_rows_without_a_name_of_their_own_are_refused_in_a_sentence(
    write_recipe: WriteRecipe, cells: str, complaint: str
) -> None:
    path = write_recipe(cells)
    with pytest.raises(BadInput) as caught:
        load_study("paper1997")
    assert str(caught.value) == complaint.format(path)


def test_faults_of_a_sheet_are_told_with_their_lines(write_recipe: WriteRecipe) -> None:
    path = write_recipe("lst:\n  - {published.row: a}")
    with pytest.raises(ConfigError, match=f"{path}"):
        load_study("paper1997")


def test_the_studies_of_the_checkout_can_be_read() -> None:
    for name in studies(module.PAPERS):
        assert load_study(name).recipes
