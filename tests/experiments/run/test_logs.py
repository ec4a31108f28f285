"""Files of JSON lines, gone on with at a position that is checked."""

import hashlib
import json
import math
from pathlib import Path

import pytest

from experiments.run.logs import Log, LogChanged, as_json


def written(path: Path, *numbers: int) -> dict[str, object]:
    """A new log of a line for each number; its position."""
    with Log(path) as log:
        for number in numbers:
            log.write({"step": number})
        return log.position


def steps(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_a_line_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Log(path) as log:
        for number in range(3):
            log.write({"step": number})
            assert steps(path) == [*range(number + 1)]


def test_a_position_is_the_bytes_so_far_and_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Log(path) as log:
        assert log.position == {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}
        for number in range(3):
            log.write({"step": number, "title": "数"})
            held = path.read_bytes()
            expected = {"bytes": len(held), "sha256": hashlib.sha256(held).hexdigest()}
            assert log.position == expected == json.loads(json.dumps(expected))


@pytest.mark.parametrize("kept", range(4))
def test_what_came_after_a_position_is_cut_off_and_written_again(tmp_path: Path, kept: int) -> None:
    path, straight = tmp_path / "a.jsonl", tmp_path / "straight.jsonl"
    written(straight, *range(6))
    position = written(path, *range(kept))
    with Log(path, position) as log:
        log.write({"step": 90})
        log.write({"step": 91})
    with path.open("ab") as file:
        file.write(b'{"step": 9')  # what a kill leaves of a line
    with Log(path, position) as log:
        assert log.position == position
        for number in range(kept, 6):
            log.write({"step": number})
        end = log.position
    assert path.read_bytes() == straight.read_bytes()
    assert end == written(straight, *range(6))


@pytest.mark.parametrize("change", ["a byte", "shorter", "empty"])
def test_a_log_that_was_changed_is_refused_untouched(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.jsonl"
    position = written(path, 1, 2, 3)
    held = path.read_bytes()
    spoilt = {"a byte": held.replace(b"2", b"7"), "shorter": held[:-1], "empty": b""}[change]
    path.write_bytes(spoilt)
    with pytest.raises(LogChanged, match=r"a\.jsonl is not what it was when its run was saved$"):
        Log(path, position)
    assert path.read_bytes() == spoilt


def test_a_new_log_replaces_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    written(path, 1, 2, 3)
    written(path, 7)
    assert steps(path) == [7]


def test_numbers_that_are_not_finite_become_null() -> None:
    values = {"a": [math.nan, 1.5, -math.inf], "b": {"c": (math.inf, 2)}, "d": None, "e": True}
    expected = {"a": [None, 1.5, None], "b": {"c": [None, 2]}, "d": None, "e": True}
    assert json.loads(as_json(values)) == expected
