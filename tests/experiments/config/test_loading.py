"""From a file to an experiment, or to every fault in it with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import ConfigError, Experiment, load
from experiments.config.schema import Schema
from lstm_jax.executors import EXECUTORS
from lstm_jax.initializers import Chrono, ForgetBias

Complaints = Callable[..., list[str]]

HEAD = "task: {name: copying, delay: 3}\nmodel: {cell: lstm, hidden_size: 8}\n"
FIRST = HEAD + "optimizer: {name: adam, learning_rate: 0.1}\n"
LAST = "optimizer: {name: adam, learning_rate: 0.1}\ntrain: {steps: 10}\n"


def test_a_config_becomes_settings(read: Callable[..., Experiment], example: str) -> None:
    experiment = read(example)
    assert experiment.title == "example"
    assert experiment.task.length == 20
    assert experiment.model.cell.hidden_size == 8
    assert experiment.model.layers == 1
    assert experiment.optimizer.learning_rate == 1e-3
    assert experiment.train.seeds == (0,)


def test_the_title_may_be_left_out(read: Callable[..., Experiment]) -> None:
    assert read(FIRST + "train: {steps: 10}\n").title == ""


@pytest.mark.parametrize(
    "written, bias",
    [
        ("chrono", Chrono()),
        ("{name: chrono}", Chrono()),
        ("{name: chrono, t_max: 100}", Chrono(100)),
        ("{value: 2, name: forget}", ForgetBias(2.0)),
    ],
)
def test_a_name_chooses_nested_settings(
    read: Callable[..., Experiment], example: str, written: str, bias: object
) -> None:
    text = example.replace("hidden_size: 8", f"hidden_size: 8, bias: {written}")
    assert read(text).model.cell.bias == bias


@pytest.mark.parametrize(
    "key, written, value",
    [
        ("seeds", "[]", ()),
        ("seeds", "[0x10, 0o14, 012]", (16, 12, 12)),
        ("span", "[3, 1]", (3, 1.0)),
        ("span", "null", None),
        ("until", "solved", "solved"),
        ("until", "7", 7),
        ("until", "~", None),
        ("verbose", "true", True),
    ],
)
def test_values_of_every_type(
    read: Callable[..., Experiment], key: str, written: str, value: object
) -> None:
    experiment = read(f"{FIRST}train: {{steps: 10, {key}: {written}}}")
    assert getattr(experiment.train, key) == value


@pytest.mark.parametrize("rate", ["1e-3", "0.001", "1E-3", "+.001", "1.e-3"])
def test_a_number_needs_no_dot(read: Callable[..., Experiment], rate: str) -> None:
    text = f"{HEAD}optimizer: {{name: adam, learning_rate: {rate}}}\ntrain: {{steps: 1}}"
    assert read(text).optimizer.learning_rate == 0.001


def test_all_faults_at_once(complaints: Complaints) -> None:
    text = """\
title: 3
task:
  name: adding
  variant: hochreiter
  length: 8
model:
  cell: lstm
  hiden_size: 8
  layers: '8'
  dropout: 1.0
  embedding_size: 2.5
  bias:
    name: crono
    t_max: 1
  executor: scam
optimizer:
  name: adam
  learning_rate: fast
  schedule: {name: cosine, flor: 0.1, warmup: 0}
train:
  seeds:
    - 1
    - two
    - 3.0
  verbose: yes
  report: {every: .inf}
taks: 1
"""
    assert complaints(text) == [
        "a.yaml:1: title: must be text, got 3",
        "a.yaml:4: task.variant: unknown choice 'hochreiter'; did you mean 'hochreiter1997'? "
        "known: bai2018, hochreiter1997",
        "a.yaml:5: task.length: must be at least 20, got 8",
        "a.yaml:6: model.hidden_size: missing; must be an integer",
        "a.yaml:8: model.hiden_size: unknown key; did you mean 'hidden_size'? "
        "known: bias, bidirectional, cell, drop_connect, dropout, embedding_size, executor, "
        "hidden_size, layers, learned_state, pretrained, readout_bias, readout_scale, "
        "recurrent_dropout, residual, shortcut, zoneout_c, zoneout_h",
        "a.yaml:9: model.layers: must be an integer, got the text '8'",
        "a.yaml:10: model.dropout: must be below 1.0, got 1.0",
        "a.yaml:11: model.embedding_size: must be an integer or null, got 2.5",
        "a.yaml:13: model.bias.name: unknown name 'crono'; did you mean 'chrono'? "
        "known: chrono, forget",
        "a.yaml:15: model.executor: unknown choice 'scam'; did you mean 'scan'? "
        f"known: {', '.join(sorted(['auto', *EXECUTORS]))}",
        "a.yaml:18: optimizer.learning_rate: must be a number, got 'fast'",
        "a.yaml:19: optimizer.schedule.warmup: must be at least 1, got 0",
        "a.yaml:19: optimizer.schedule.flor: unknown key; did you mean 'floor'? "
        "known: floor, name, warmup",
        "a.yaml:20: train.steps: missing; must be an integer",
        "a.yaml:23: train.seeds[1]: must be an integer, got 'two'",
        "a.yaml:24: train.seeds[2]: must be an integer, got 3.0",
        "a.yaml:25: train.verbose: must be true or false, got 'yes'",
        "a.yaml:26: train.report.every: must be an integer, got inf",
        "a.yaml:27: taks: unknown key; did you mean 'task'? "
        "known: curriculum, diagnose, model, optimizer, output, published, task, title, "
        "train, variants",
    ]


@pytest.mark.parametrize(
    "train, complaint",
    [
        ("null", "train: must be a section of keys and values, got nothing"),
        ("[1]", "train: must be a section of keys and values, got a list"),
        ("{steps: }", "train.steps: must be an integer, got nothing"),
        ("{steps: true}", "train.steps: must be an integer, got true"),
        ("{steps: {a: 1}}", "train.steps: must be an integer, got a section"),
        ("{steps: 1_000}", "train.steps: must be an integer, got '1_000'"),
        ("{steps: 1e3}", "train.steps: must be an integer, got 1000.0"),
        ("{steps: 1, seeds: 3}", "train.seeds: must be a list, got 3"),
        ("{steps: 1, seeds: [true]}", "train.seeds[0]: must be an integer, got true"),
        ("{steps: 1, span: [1]}", "train.span[1]: missing; must be a number"),
        ("{steps: 1, span: [1, 2, 3]}", "train.span: must have at most 2 items, got 3"),
        ("{steps: 1, span: [0, 2]}", "train.span[0]: must be at least 1, got 0"),
        ("{steps: 1, span: [1, .nan]}", "train.span[1]: must be finite, got nan"),
        ("{steps: 1, span: [1, 1e400]}", "train.span[1]: must be finite, got inf"),
        ("{steps: 1, span: 1}", "train.span: must be a list or null, got 1"),
        ("{steps: 1, until: 0}", "train.until: must be at least 1, got 0"),
        (
            "{steps: 1, until: slved}",
            "train.until: must be 'solved' or an integer or null, got 'slved'",
        ),
        ("{steps: 1, report: 5}", "train.report: must be a section of keys and values, got 5"),
        ("{steps: 1, 'a b': 5}", "train.'a b': unknown key; "
         "known: report, seeds, span, steps, until, verbose"),
    ],
)  # fmt: skip
def test_one_fault(complaints: Complaints, train: str, complaint: str) -> None:
    assert complaints(f"{FIRST}train: {train}") == [f"a.yaml:4: {complaint}"]


@pytest.mark.parametrize(
    "task, complaint",
    [
        ("{delay: 3, marks: 4}", "task.name: missing; known: adding, copying"),
        ("3", "task: must be a section of keys and values with the key 'name', got 3"),
        ("{name: copyin, delay: x}", "task.name: unknown task 'copyin'; did you mean 'copying'? "
         "known: adding, copying"),
        ("{name: 3}", "task.name: must be one of adding, copying, got 3"),
        ("{name: [copying]}", "task.name: must be one of adding, copying, got a list"),
        ("copyin", "task: unknown task 'copyin'; did you mean 'copying'? known: adding, copying"),
        ("copying", "task.delay: missing; must be an integer"),
        ("{name: copying, delay: 3, marks: 4}", "task: marks=4 must be at most delay=3"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_the_only_fault_of_its_section(
    complaints: Complaints, task: str, complaint: str
) -> None:
    text = f"task: {task}\nmodel: {{cell: lstm, hidden_size: 8}}\n{LAST}"
    assert complaints(text) == [f"a.yaml:1: {complaint}"]


def test_common_fields_are_checked_beside_a_wrong_cell(complaints: Complaints) -> None:
    text = "task: {name: copying, delay: 3}\nmodel:\n  cell: lsmt\n  hidden: 2\n  layers: 0\n"
    assert complaints(text + LAST) == [
        "a.yaml:3: model.cell: unknown cell 'lsmt'; did you mean 'lstm'? known: lstm, peephole",
        "a.yaml:5: model.layers: must be at least 1, got 0",
    ]


def test_a_known_fault_is_said_once(complaints: Complaints) -> None:
    text = (
        "task: !task {name: copying}\n"
        "model: {cell: !!str lstm, hidden_size: 8}\n"
        "optimizer: {name: adam, learning_rate: 0.1, learning_rate: 0.2}\n"
        "train: {steps: 10000000000000000000, seeds: [1, !two 2]}\n"
    )
    assert complaints(text) == [
        "a.yaml:1: task: the tag '!task' is refused; a config holds plain values only",
        "a.yaml:2: model.cell: the tag '!!str' is refused; a config holds plain values only",
        "a.yaml:3: optimizer.learning_rate: given twice, first on line 3",
        "a.yaml:4: train.steps: an integer of 20 digits is too large: at most 9223372036854775807",
        "a.yaml:4: train.seeds[1]: the tag '!two' is refused; a config holds plain values only",
    ]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "~\n", "\ufeff"])
def test_an_empty_file(complaints: Complaints, text: str) -> None:
    fault = "a.yaml: is empty; expected the sections task, model, optimizer and train"
    assert complaints(text) == [fault]


@pytest.mark.parametrize("text, got", [("- 1", "a list"), ("hello", "'hello'"), ("3", "3")])
def test_no_section_at_the_top(complaints: Complaints, text: str, got: str) -> None:
    assert complaints(text) == [f"a.yaml:1: must be a section of keys and values, got {got}"]


def test_missing_sections_are_named(complaints: Complaints) -> None:
    assert complaints("\ntitle: nothing else\n") == [
        f"a.yaml:2: {section}: missing; must be a section of keys and values"
        for section in ("task", "model", "optimizer", "train")
    ]


def test_faults_can_be_read_by_programs(schema: Schema, tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(f"{FIRST}train: {{steps: x}}")
    with pytest.raises(ConfigError) as caught:
        load(path, ["title=3"], schema)
    faults = [(fault.file, fault.line, fault.path) for fault in caught.value.faults]
    assert faults == [(str(path), 4, "train.steps"), ("command line", None, "title")]


def outcome(read: Callable[..., Experiment], text: str, *overrides: str) -> object:
    try:
        return read(text, *overrides)
    except ConfigError as error:
        return error


def is_sound(result: object) -> bool:
    """Whether it is an experiment, or faults of one line each in our own words."""
    if isinstance(result, Experiment):
        return True
    return (
        isinstance(result, ConfigError)
        and len(str(result).split("\n")) == len(result.faults) > 0
        and all(fault.message and "Input should" not in fault.message for fault in result.faults)
    )


@given(text=st.text(max_size=200))
def test_any_text_gives_an_experiment_or_faults(read: Callable[..., Experiment], text: str) -> None:
    text = text.encode("utf-8", "replace").decode("utf-8")
    assert is_sound(outcome(read, text, f"train.steps={text}", text))


PIECES = [
    *(": ", "- ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "!!int ", "!x ", "|\n", ">\n"),
    *("\n", "\n  ", "\t", "#", "'", '"', "\\", "\0", "%YAML 1.1\n", "---", "...", "<<: *a"),
    *("null", ".inf", "1e999", "9" * 5000, "0x", "no", "name: ", "cell: ", "chrono", "\ud800"),
    *('"\\Uffffffff"', '"\\ud800"', "\x85", "\u2028", "[" * 60, "- " * 60, "1: 2", "[]: 1"),
]


@given(
    cuts=st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4
    )
)
def test_any_damage_gives_an_experiment_or_faults(
    read: Callable[..., Experiment], example: str, cuts: list[tuple[int, int, str]]
) -> None:
    text = example
    for place, length, piece in cuts:
        text = text[:place] + piece + text[place + length :]
    text = text.encode("utf-8", "replace").decode("utf-8")
    assert is_sound(outcome(read, text))


VALUES = st.recursive(
    st.sampled_from(["1", "-3", "1e-3", "x", "null", "true", "''", ".nan", "adam", "lstm"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["name", "cell", "steps", "bias", "value", "x", "0"]), inner, max_size=3
        ).map(lambda section: "{" + ", ".join(f"{k}: {v}" for k, v in section.items()) + "}")
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        *("title", "task", "task.name", "task.length", "model", "model.cell", "model.bias"),
        *("model.bias.name", "model.bias.t_max", "model.executor", "optimizer", "train"),
        *("optimizer.schedule", "optimizer.schedule.warmup", "train.steps", "train.seeds"),
        *("train.span", "train.until", "train.report", "train.report.every", "train.seeds.0"),
        *("new", "new.deep.er", "title.x", "..", ""),
    ]
)


@given(overrides=st.lists(st.tuples(PATHS, VALUES).map("=".join), max_size=4))
def test_any_overrides_give_an_experiment_or_faults(
    read: Callable[..., Experiment], example: str, overrides: list[str]
) -> None:
    assert is_sound(outcome(read, example, *overrides))
