"""Variants: each a whole experiment, each fault where it was written, and what may not vary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import ConfigError, Experiment, dump, load
from experiments.config.laid_over import Keys
from experiments.config.schema import Schema
from experiments.config.variants import MAY_VARY, may_vary
from lstm_jax.initializers import Chrono, ForgetBias

Complaints = Callable[..., list[str]]
Read = Callable[..., Experiment]

KNOWN = ", ".join(MAY_VARY)
TWO = "variants: [{optimizer.learning_rate: 0.5}, {model.bias: {name: forget, value: 2}}]\n"


def test_a_config_has_none_unless_it_says_so(read: Read, example: str, schema: Schema) -> None:
    assert read(example).variants == read(example + "variants: []\n").variants == ()
    assert "variants" not in dump(read(example), schema)


def test_each_variant_is_the_config_with_its_keys(read: Read, example: str) -> None:
    base, experiment = read(example), read(example + TWO)
    rates = [each.experiment.optimizer.learning_rate for each in experiment.variants]
    biases = [each.experiment.model.cell.bias for each in experiment.variants]
    assert (rates, biases) == ([0.5, 1e-3], [ForgetBias(), ForgetBias(2.0)])
    assert [each.experiment.variants for each in experiment.variants] == [(), ()]
    assert [dict(each.keys) for each in experiment.variants] == [
        {"optimizer.learning_rate": 0.5},
        {"model.bias": {"name": "forget", "value": 2}},
    ]
    written_out = example.replace("learning_rate: 1e-3", "learning_rate: 0.5")
    assert experiment.variants[0].experiment == read(written_out)
    assert (experiment.optimizer, experiment.model) == (base.optimizer, base.model)


def test_an_override_reaches_every_variant_but_its_own_keys(read: Read, example: str) -> None:
    found = read(example + TWO, "optimizer.learning_rate=7", "model.bias=chrono", "title=new")
    rates = [each.experiment.optimizer.learning_rate for each in found.variants]
    biases = [each.experiment.model.cell.bias for each in found.variants]
    assert (rates, biases) == ([0.5, 7.0], [Chrono(), ForgetBias(2.0)])
    assert {each.experiment.title for each in found.variants} == {"new"}


def test_variants_can_be_given_and_left_out_on_the_command_line(read: Read, example: str) -> None:
    rate = "optimizer.learning_rate"
    assert read(example + TWO, "~variants") == read(example)
    found = read(example + TWO, f"variants=[{{{rate}: 3}}]")
    assert [dict(each.keys) for each in found.variants] == [{rate: 3}]


def test_an_empty_variant_is_the_config_itself(read: Read, example: str) -> None:
    found = read(example + "variants: [{}, {optimizer.learning_rate: 3}]")
    assert found.variants[0].experiment == read(example)


def test_a_part_of_a_section_varies(read: Read, example: str) -> None:
    text = example.replace("hidden_size: 8", "hidden_size: 8, bias: {name: chrono, t_max: 9}")
    found = read(text + "variants: [{model.bias.t_max: 20}]")
    assert found.variants[0].experiment.model.cell.bias == Chrono(20)


def test_all_faults_at_once_each_on_its_line(complaints: Complaints, example: str) -> None:
    text = example + (
        "variants:\n"
        "  - optimizer.learning_rate: -1\n"
        "  - model.hidden_size: 3\n"
        "    optimzer.learning_rate: 1\n"
        "  - 5\n"
        "  - model.bias: {name: crono}\n"
        "  - model.bias: {name: chrono, t_max: !new 3}\n"
        "  - model.bias.value: 3\n"
        "  - {}\n"
        "  - {optimizer.learning_rate: 1e-3}\n"
    )
    assert complaints(text) == [
        "a.yaml:7: variants[0].'optimizer.learning_rate': must be above 0.0, got -1",
        "a.yaml:8: variants[1].'model.hidden_size': cannot differ within one program; "
        f"known: {KNOWN}",
        "a.yaml:9: variants[1].'optimzer.learning_rate': cannot differ within one program; "
        f"did you mean 'optimizer.learning_rate'? known: {KNOWN}",
        "a.yaml:10: variants[2]: must be a section of keys and values, got 5",
        "a.yaml:11: variants[3].'model.bias'.name: unknown name 'crono'; did you mean 'chrono'? "
        "known: chrono, forget",
        "a.yaml:12: variants[4].'model.bias'.t_max: the tag '!new' is refused; "
        "a config holds plain values only",
        "a.yaml:13: variants[5]: model.bias.name: missing; known: chrono, forget",
        "a.yaml:15: variants[7]: stands for the same as variants[6]",
    ]


def test_a_fault_is_said_of_the_key_that_has_it(complaints: Complaints, example: str) -> None:
    text = example + "variants:\n - optimizer.learning_rate: 1\n   model.bias: crono\n"
    assert complaints(text) == [
        "a.yaml:8: variants[0].'model.bias': unknown name 'crono'; did you mean 'chrono'? "
        "known: chrono, forget"
    ]


def test_a_fault_of_the_config_is_said_once(complaints: Complaints, example: str) -> None:
    text = example.replace("steps: 10", "steps: 0") + TWO
    assert complaints(text) == ["a.yaml:5: train.steps: must be at least 1, got 0"]


def test_a_key_within_what_is_no_section(complaints: Complaints, example: str) -> None:
    text = example.replace("hidden_size: 8", "hidden_size: 8, bias: chrono")
    assert complaints(text + "variants: [{model.bias.t_max: 9}]") == [
        "a.yaml:6: variants[0].'model.bias.t_max': is in what is 'chrono' and not a section"
    ]


@pytest.mark.parametrize(
    "value, got", [("3", "3"), ("{a: 1}", "a section"), ("null", "nothing"), ("x", "'x'")]
)
def test_they_are_a_list(complaints: Complaints, example: str, value: str, got: str) -> None:
    assert complaints(f"{example}variants: {value}\n") == [
        f"a.yaml:6: variants: must be a list, got {got}"
    ]


def test_a_key_that_a_cell_lacks_says_what_to_leave_out(
    complaints: Complaints, example: str
) -> None:
    (fault,) = complaints(example + "variants: [{model.input_bias: [1]}]", "title=new")
    assert fault.startswith("a.yaml:6: variants[0].'model.input_bias': unknown key; ")
    assert fault.endswith("; '~variants' leaves the whole list out")


@given(
    rates=st.lists(
        st.floats(min_value=0, exclude_min=True, allow_infinity=False), max_size=4, unique=True
    ),
    biases=st.lists(st.sampled_from(["chrono", {"name": "forget", "value": -2.5}]), max_size=4),
)
def test_what_is_dumped_is_read_back(
    read: Read, schema: Schema, example: str, rates: list[float], biases: list[object]
) -> None:
    keys = [
        {"optimizer.learning_rate": rate, **({"model.bias": biases[n]} if n < len(biases) else {})}
        for n, rate in enumerate(rates)
    ]
    experiment = read(example, f"variants={keys}")
    assert [dict(each.keys) for each in experiment.variants] == keys
    assert read(dump(experiment, schema)) == experiment
    assert hash(read(dump(experiment, schema))) == hash(experiment)


def test_thousands_take_no_time(read: Read, example: str) -> None:
    rates = "\n".join(f" - {{optimizer.learning_rate: {n}}}" for n in range(1, 3000))
    assert len(read(f"{example}variants:\n{rates}").variants) == 2999


@pytest.mark.parametrize(
    "key",
    [
        *("model.hidden_size", "model.biased", "train.seeds", "model", ""),
        f"model.bias.{'a.' * 2000}a",
    ],
)
def test_what_changes_the_program_may_not_vary(key: str) -> None:
    assert not may_vary(key)


def test_keys_are_a_mapping_that_hashes() -> None:
    one, other = Keys({"a": [1], "b": 2}), Keys({"b": 2, "a": [1]})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Keys({"a": [1]})
    assert (repr(one), len(one)) == ("{'a': [1], 'b': 2}", 2)


def test_a_contradiction_that_a_variant_makes_is_said_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "task: {name: adding, variant: bai2018, length: 20}\n"
        "model: {cell: lstm, hidden_size: 2}\n"
        "optimizer: {name: sgd, learning_rate: 0.1}\n"
        "train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}\n"
        "variants:\n"
        "  - {train.first_seed: 5}\n"
        "  - {train.first_seed: 2147483647}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}:7: variants[1]: train: the last seed is 2147483648; it must be at most 2147483647"
    )
