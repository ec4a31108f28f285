"""Values with their lines; bounds on what a text may unfold to; YAML that configs do without."""

from typing import Any

import pytest

from experiments.config import ConfigError
from experiments.config.faults import Origin
from experiments.config.reader import parse
from experiments.config.tree import BROKEN, Node


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    return "broken" if node.value is BROKEN else node.value


def told(text: str) -> list[str]:
    try:
        return [str(fault) for fault in parse(text, Origin("a"))[1]]
    except ConfigError as error:
        return str(error).split("\n")


def test_lines_are_those_of_keys_and_items() -> None:
    root, _ = parse("a:\n  - 1\n  -\n    b:\n      x\n", Origin("f"))
    items = root.value["a"].value
    assert root.value["a"].origin.line == 1
    assert [item.origin.line for item in items] == [2, 4]
    assert items[1].value["b"].origin.line == 4


def test_an_alias_repeats_its_anchor() -> None:
    root, faults = parse("a: &x {b: &y [1]}\nc: *x\nd: *y\n&k e: 1\n", Origin("f"))
    assert not faults
    assert plain(root) == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [1], "e": 1}
    assert root.value["c"].origin.line == 2


def test_an_anchor_given_again_holds_from_there() -> None:
    root, _ = parse("a: &x 1\nb: *x\nc: &x 2\nd: *x", Origin("f"))
    assert plain(root) == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize(
    "text, faults, rest",
    [
        ("a: 1\nb:\n  a: 2\n  'a': 3", ["a:4: b.a: given twice, first on line 3"],
         {"a": 1, "b": {"a": 2}}),
        ("1: x\nb: 2", ["a:1: a key must be text, got 1"], {"b": 2}),
        ("? [x, y]\n: {z: 1}\nb: 2", ["a:1: a key must be text, got a list"], {"b": 2}),
        ("true: x", ["a:1: a key must be text, got true"], {}),
        (": x", ["a:1: a key must be text, got nothing"], {}),
        ("!k x: 1\nb: 2", ["a:1: the tag '!k' is refused; a config holds plain values only"],
         {"b": 2}),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}",
         ["a:2: c: merge keys (<<) are no part of YAML 1.2; write the keys out"],
         {"a": {"b": 1}, "c": {"d": 2}}),
        ("a: !!python/object/apply:os.system ['exit 1']",
         ["a:1: a: the tag '!!python/object/apply:os.system' is refused; "
          "a config holds plain values only"], {"a": "broken"}),
        ("a: ! 1", ["a:1: a: the tag '!' is refused; a config holds plain values only"],
         {"a": "broken"}),
        ("%TAG ! tag:x.org:\n---\na: !int 1",
         ["a:3: a: the tag 'tag:x.org:int' is refused; a config holds plain values only"],
         {"a": "broken"}),
        ('a: "\\ud800"', ["a:1: a: half of a surrogate pair is not a character"],
         {"a": "broken"}),
        (f"a: {'x' * 4097}\nb: {'y' * 4096}",
         ["a:1: a: a text of 4097 characters is too long: at most 4096"],
         {"a": "broken", "b": "y" * 4096}),
        (f"{'x' * 201}: 1\n{'y' * 200}: 2",
         ["a:1: a key of 201 characters is too long: at most 200"], {"y" * 200: 2}),
        (f"a: {'1' * 5000}\nb: 0x{'f' * 400}",
         [f"a:1: a: an integer of 5000 digits is too large: at most {2**63 - 1}",
          f"a:2: b: an integer of 402 digits is too large: at most {2**63 - 1}"],
         {"a": "broken", "b": "broken"}),
    ],
)  # fmt: skip
def test_faults_that_leave_the_rest_readable(text: str, faults: list[str], rest: Any) -> None:
    root, found = parse(text, Origin("a"))
    assert list(map(str, found)) == faults
    assert plain(root) == rest


@pytest.mark.parametrize(
    "text, fault",
    [
        ("a: 1\n---\nb: 2", "a:2: a second document begins here; a config is one document"),
        ("%YAML 1.1\n---\na: no", "a:2: the file says YAML 1.1; configs are YAML 1.2"),
        ("a: *x", "a:1: a: the alias '*x' has no anchor before it"),
        ("a: &x [*x]", "a:1: a[0]: the alias '*x' stands inside its own anchor"),
        ("a: &x {b: {c: *x}}", "a:1: a.b.c: the alias '*x' stands inside its own anchor"),
    ],
)
def test_faults_that_end_the_reading(text: str, fault: str) -> None:
    assert told(text) == [fault]


def test_yaml_1_2_may_be_said() -> None:
    assert plain(parse("%YAML 1.2\n---\na: no\n...\n", Origin("f"))[0]) == {"a": "no"}


def test_fifty_levels_are_enough() -> None:
    assert told("[" * 50 + "]" * 50) == []
    assert told("[" * 51 + "]" * 51)[0].endswith(": nested deeper than 50 levels")


@pytest.mark.parametrize(
    "text", ["[" * 400_000, "- " * 40_000, "? " * 40_000, "{a: " * 20_000, "{[" * 20_000]
)
def test_deep_nesting_ends_soon(text: str) -> None:
    (fault,) = told("\n".join(text[i : i + 90_000] for i in range(0, len(text), 90_000)))
    assert fault.endswith("nested deeper than 50 levels")


def test_aliases_add_to_the_depth() -> None:
    lines = ["x0: &x0 [1]", *(f"x{i}: &x{i} [*x{i - 1}]" for i in range(1, 100))]
    assert told("\n".join(lines)) == [
        "a:50: x49[0]: nested deeper than 50 levels, aliases included"
    ]


def test_an_alias_bomb_ends_soon() -> None:
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 40)]
    (fault,) = told("\n".join(lines))
    assert fault.startswith("a:5: x4[")
    assert fault.endswith("more than 10000 keys and values, aliases included")


def test_many_values_end_soon() -> None:
    (fault,) = told("a:\n" + "- 1\n" * 200_000)
    assert fault == "a:9999: a[9997]: more than 10000 keys and values, aliases included"
