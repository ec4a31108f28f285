"""Files and YAML that cannot be read: one clear fault, soon, and no object constructed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import ConfigError
from experiments.config.faults import Origin
from experiments.config.reader import MAX_BYTES, parse, read

Complaints = Callable[..., list[str]]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("a: 1\n\tb: 2", "a.yaml:2: broken YAML: a tab cannot stand here; use spaces"),
        ("a: [1, 2", "a.yaml:1: broken YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: c: 2", "a.yaml:2: broken YAML: mapping values are not allowed here"),
        ("a: 'x", "a.yaml:1: broken YAML: found unexpected end of stream"),
        ("a: 1\nb: \0", "a.yaml:2: the character '\\x00' is not allowed"),
        (
            f"a: !{'x' * 9000}!b 1",
            f"a.yaml:1: broken YAML: found undefined tag handle '!{'x' * 171}...",
        ),
        ('a: 1\nb: "\\Uffffffff"', "a.yaml:2: broken YAML from here on"),
        (f"%YAML {'9' * 5000}.1\n---\na: 1", "a.yaml:1: broken YAML from here on"),
        (f"a: {'x' * 100_001}", "a.yaml:1: a line of more than 100000 characters"),
        (b"a: 1\nb: \xe9\n", "a.yaml:2: is not UTF-8: byte 0xe9"),
        ("a: 1".encode("utf-16"), "a.yaml:1: is not UTF-8: byte 0xff"),
    ],
)
def test_unreadable_content(complaints: Complaints, text: str | bytes, complaint: str) -> None:
    assert complaints(text) == [complaint]


def test_a_fault_before_broken_yaml_is_told_too(complaints: Complaints) -> None:
    assert complaints("a: 1\na: 2\nb: [") == [
        "a.yaml:2: a: given twice, first on line 1",
        "a.yaml:3: broken YAML: expected the node content, but found '<stream end>'",
    ]


def message(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path)
    (fault,) = caught.value.faults
    assert fault.file == str(path)
    return fault.message


def test_a_missing_file(tmp_path: Path) -> None:
    assert message(tmp_path / "none.yaml") == "there is no such file"


def test_a_folder(tmp_path: Path) -> None:
    assert message(tmp_path) == "is a directory; expected a YAML file"


def test_an_impossible_name() -> None:
    assert message(Path("a\0b")) == "cannot be read: embedded null byte"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.touch(mode=0o000)
    assert "Permission denied" in message(path)


def test_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\n" * (MAX_BYTES // 5))
    assert len(read(path)) == MAX_BYTES
    path.write_bytes(b"a: 1\n" * (MAX_BYTES // 5) + b"#")
    assert message(path) == "is larger than 500000 bytes, which no config needs to be"


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read(path) == "a: 1"


def test_line_endings_count_alike() -> None:
    for end in ("\n", "\r\n", "\r"):
        root, faults = parse(f"a: 1{end}b: 2{end}c: 3", Origin("a.yaml"))
        assert not faults
        assert [node.origin.line for node in root.value.values()] == [1, 2, 3]
