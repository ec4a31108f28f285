"""Values from the command line over those of a file."""

from collections.abc import Callable

import pytest

from experiments.config import Experiment
from experiments.config.faults import Origin
from experiments.config.overrides import lay_over, read_overrides
from experiments.config.reader import parse
from lstm_jax.initializers import Chrono

Complaints = Callable[..., list[str]]

FORM = "must be of the form dotted.key=value, or ~dotted.key to leave a key out"


@pytest.mark.parametrize(
    "argument, get, value",
    [
        ("train.steps=7", lambda e: e.train.steps, 7),
        (" train . steps =7", lambda e: e.train.steps, 7),
        ("title=a=b", lambda e: e.title, "a=b"),
        ("title=no", lambda e: e.title, "no"),
        ("title='8'", lambda e: e.title, "8"),
        ("optimizer.learning_rate=1e-2", lambda e: e.optimizer.learning_rate, 0.01),
        ("train.seeds=[1, 2]", lambda e: e.train.seeds, (1, 2)),
        ("model.bias={name: chrono, t_max: 9}", lambda e: e.model.cell.bias, Chrono(9)),
        ("model.bias.name=chrono", lambda e: e.model.cell.bias, Chrono()),
        ("train.report.every=3", lambda e: e.train.report.every, 3),
        ("train.until=", lambda e: e.train.until, None),
        ("model.cell=peephole", lambda e: e.model.cell.peepholes, True),
        ("train={steps: 3}", lambda e: e.train.steps, 3),
    ],
)
def test_an_override_holds(
    read: Callable[..., Experiment],
    example: str,
    argument: str,
    get: Callable[[Experiment], object],
    value: object,
) -> None:
    assert get(read(example, argument)) == value


def test_a_later_override_wins(read: Callable[..., Experiment], example: str) -> None:
    assert read(example, "train.steps=7", "train.steps=8").train.steps == 8
    both = read(example, "model.bias.name=chrono", "model.bias.t_max=5").model.cell.bias
    assert both == Chrono(5)


def test_an_override_mends_a_fault(read: Callable[..., Experiment], example: str) -> None:
    assert read(example.replace("steps: 10", "steps: ten"), "train.steps=7").train.steps == 7


def test_an_override_fills_an_empty_section(read: Callable[..., Experiment], example: str) -> None:
    assert read(example.replace("{steps: 10}", ""), "train.steps=7").train.steps == 7


def test_an_override_changes_one_of_two_aliases() -> None:
    root, _ = parse("a: &x {b: 1, c: 2}\nd: *x", Origin("f"))
    overrides, faults = read_overrides(["d.b=3"])
    root, more = lay_over(root, overrides)
    assert not faults + more
    found = {
        (outer, inner): node.value
        for outer, section in root.value.items()
        for inner, node in section.value.items()
    }
    assert found == {("a", "b"): 1, ("a", "c"): 2, ("d", "b"): 3, ("d", "c"): 2}


@pytest.mark.parametrize(
    "argument, complaint",
    [
        ("train.steps", FORM),
        ("", FORM),
        ("~train.steps=3", FORM),
        ("~train.step", "train.step: is not there to be left out; did you mean 'steps'? "
         "known: steps"),
        ("~train.steps.x", "train.steps: is 10, not a section, and holds no key 'x'"),
        ("=3", "has an empty key; expected dotted.key=value"),
        ("title.\udcff=3", "is not UTF-8"),
        (f"{'a.' * 50}a=3", "nested deeper than 50 levels"),
        (f"{'a.' * 9000}a=3", "nested deeper than 50 levels"),
        (f"{'a.' * 39}a={'[' * 11}{']' * 11}",
         f"{'a.' * 39}a{'[0]' * 10}: nested deeper than 50 levels"),
        ("train.=3", "has an empty key; expected dotted.key=value"),
        ("train..steps=3", "has an empty key; expected dotted.key=value"),
        ("train.steps=0", "train.steps: must be at least 1, got 0"),
        ("train.steps='8'", "train.steps: must be an integer, got the text '8'"),
        ("train.step=3", "train.step: unknown key; did you mean 'steps'? "
         "known: report, seeds, span, steps, until, verbose"),
        ("trian.steps=3", "trian: unknown key; did you mean 'train'? "
         "known: curriculum, diagnose, model, optimizer, output, published, task, title, "
        "train, variants"),
        ("train.steps.x=3", "train.steps: is 10, not a section, and holds no key 'x'"),
        ("title.x=3", "title: is 'example', not a section, and holds no key 'x'"),
        ("train.seeds[0]=3", "train.seeds[0]: an item of a list cannot be set on its own; "
         "give the whole list, as key=[1, 2]"),
        ("train.seeds.0=3", "train.seeds.0: an item of a list cannot be set on its own; "
         "give the whole list, as key=[1, 2]"),
        ("title=[1", "title: broken YAML: expected ',' or ']', but got '<stream end>'"),
        ("title=!!str x", "title: the tag '!!str' is refused; a config holds plain values only"),
        ("title=*x", "title: the alias '*x' has no anchor before it"),
        ("train.report={every: 1, every: 2}", "train.report.every: given twice"),
        ("model.bias.t_max=9", "model.bias.name: missing; known: chrono, forget"),
        ("model.cell=gru", "model.cell: unknown cell 'gru'; known: lstm, peephole"),
        ("model=3", "model: must be a section of keys and values with the key 'cell', got 3"),
        ("train={}", "train.steps: missing; must be an integer"),
        ("train.seeds=[1, x]", "train.seeds[1]: must be an integer, got 'x'"),
    ],
)  # fmt: skip
def test_a_faulty_override_is_quoted(
    complaints: Complaints, example: str, argument: str, complaint: str
) -> None:
    assert complaints(example, argument) == [
        f"command line {argument_shown(argument)}: {complaint}"
    ]


def argument_shown(argument: str) -> str:
    short = argument if len(argument) <= 60 else f"{argument[:57]}..."
    return repr(short) if argument else "the text ''"


def test_keys_of_the_file_are_told_where_they_are_words(complaints: Complaints) -> None:
    text = "\n".join(
        f"{key}: 1" for key in ("b\u00a0c", "a b", "d" * 61, *map("x{}".format, range(90)))
    )
    *_, fault = complaints(text, "~x100")
    assert fault.startswith("command line '~x100': x100: is not there to be left out; did you mean")
    assert fault.endswith(", ".join(sorted(f"x{number}" for number in range(50))))


def test_more_arguments_than_there_are_keys(complaints: Complaints, example: str) -> None:
    assert complaints(example, *["train.steps=3"] * 100) == []
    assert complaints(example, *["train.steps=3"] * 101) == [
        "command line: 101 settings are given; at most 100"
    ]


def test_another_choice_keeps_keys_that_may_not_fit(complaints: Complaints, example: str) -> None:
    assert complaints(example, "task.name=copying") == [
        "a.yaml:2: task.delay: missing; must be an integer",
        "a.yaml:2: task.variant: unknown key; known: delay, marks, name; "
        "'~task.variant' leaves it out",
        "a.yaml:2: task.length: unknown key; known: delay, marks, name; "
        "'~task.length' leaves it out",
    ]


def test_a_key_of_the_file_can_be_left_out(read: Callable[..., Experiment], example: str) -> None:
    changes = ["task.name=copying", "task.delay=3", "~task.variant", " ~ task . length "]
    assert read(example, *changes).task.delay == 3


def test_what_must_be_there_cannot_be_left_out(complaints: Complaints, example: str) -> None:
    assert complaints(example, "~train.steps", "~") == [
        "a.yaml:5: train.steps: missing; must be an integer",
        "command line the text '~': has an empty key; expected dotted.key=value",
    ]


def test_faults_of_file_and_arguments_come_together(complaints: Complaints, example: str) -> None:
    text = example.replace("steps: 10", "steps: ten")
    assert complaints(text, "model.layers=0", "oops") == [
        "a.yaml:5: train.steps: must be an integer, got 'ten'",
        f"command line 'oops': {FORM}",
        "command line 'model.layers=0': model.layers: must be at least 1, got 0",
    ]
    assert complaints("a: [", "oops") == [
        "a.yaml:1: broken YAML: expected the node content, but found '<stream end>'",
        f"command line 'oops': {FORM}",
    ]
