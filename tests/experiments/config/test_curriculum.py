"""Curricula: each stage a whole experiment, and each fault where it was written."""

from collections.abc import Callable

import pytest

from experiments.config import Experiment, dump
from experiments.config.schema import Schema

Complaints = Callable[..., list[str]]
Read = Callable[..., Experiment]

TWO = "curriculum: [{train.steps: 5, optimizer.learning_rate: 0.5}, {}]\n"
RATES = "variants: [{optimizer.learning_rate: 2}, {optimizer.learning_rate: 3}]\n"


def test_there_is_none_unless_the_config_says_so(read: Read, example: str, schema: Schema) -> None:
    assert read(example).curriculum == read(example + "curriculum: []\n").curriculum == ()
    assert "curriculum" not in dump(read(example), schema)


def test_each_stage_is_the_config_with_its_keys(read: Read, example: str) -> None:
    base, experiment = read(example), read(example + TWO)
    first, second = (stage.experiment for stage in experiment.curriculum)
    written_out = example.replace("steps: 10", "steps: 5").replace("1e-3", "0.5")
    assert first == read(written_out)
    assert second == base
    assert (experiment.train, experiment.optimizer) == (base.train, base.optimizer)


def test_a_stage_has_the_variants_of_the_config(read: Read, example: str) -> None:
    experiment = read(example + RATES + "curriculum: [{train.steps: 5}]\n")
    (stage,) = experiment.curriculum
    assert [each.keys for each in stage.experiment.variants] == [
        each.keys for each in experiment.variants
    ]
    assert [each.experiment.train.steps for each in stage.experiment.variants] == [5, 5]  # type: ignore[attr-defined]
    assert [each.experiment.train.steps for each in experiment.variants] == [10, 10]  # type: ignore[attr-defined]


def test_what_is_dumped_is_read_back(read: Read, schema: Schema, example: str) -> None:
    experiment = read(example + RATES + TWO)
    assert read(dump(experiment, schema)) == experiment


def test_all_faults_at_once_each_on_its_line(complaints: Complaints, example: str) -> None:
    text = example + (
        "curriculum:\n"
        "  - train.steps: -1\n"
        "  - variants: []\n"
        "    output.log: [wandb]\n"
        "  - 5\n"
        "  - trian.steps: 5\n"
    )
    *found, unknown = complaints(text)
    assert found == [
        "a.yaml:7: curriculum[0].'train.steps': must be at least 1, got -1",
        "a.yaml:8: curriculum[1].variants: cannot differ in a stage: all have the same",
        "a.yaml:9: curriculum[1].'output.log': cannot differ in a stage: it is that of the run",
        "a.yaml:10: curriculum[2]: must be a section of keys and values, got 5",
    ]
    assert unknown.startswith("a.yaml:11: curriculum[3]: trian: unknown key; did you mean 'train'?")


@pytest.mark.parametrize("value, got", [("3", "3"), ("{a: 1}", "a section"), ("null", "nothing")])
def test_it_is_a_list(complaints: Complaints, example: str, value: str, got: str) -> None:
    assert complaints(f"{example}curriculum: {value}\n") == [
        f"a.yaml:6: curriculum: must be a list, got {got}"
    ]
