"""Event files read back, record by record, beside the lines that they show."""

import json
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from experiments.sinks import tensorboard
from experiments.sinks.base import Subject, scalars
from experiments.sinks.tensorboard import TensorBoard

MEMBERS = ["seed_7", "seed_8"]
CONFIG = "title: A run\ntrain: {seeds: 2}\n"


def line(step: int) -> dict[str, Any]:
    loss = np.random.default_rng(step).random(2).tolist()
    solved = [step > 4, False]
    return {"step": step, "sequences": 4 * step, "loss": [loss[0], None], "solved": solved}


def opened(run: Path, past: list[dict[str, Any]]) -> TensorBoard:
    return TensorBoard(Subject(run, CONFIG, "A run", MEMBERS, past))


def events(run: Path) -> list[Event]:
    """Every event of the one file, as TensorFlow's `tf_record` frames them."""
    (file,) = (run / "tensorboard").iterdir()
    content, found = file.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def shown(run: Path) -> list[tuple[int, dict[str, float]]]:
    """The scalars of every step, in the file's order."""
    found = []
    for event in events(run):
        values = {v.tag: v.simple_value for v in event.summary.value if not v.metadata.ByteSize()}
        if values:
            found.append((event.step, values))
    return found


def expected(*steps: int) -> list[tuple[int, dict[str, float]]]:
    lines = map(line, steps)
    return [
        (each["step"], {k: float(np.float32(v)) for k, v in scalars(each, MEMBERS).items()})
        for each in lines
    ]


def texts(run: Path) -> dict[str, str]:
    values = (value for event in events(run) for value in event.summary.value)
    found = {value.tag: value.tensor.string_val for value in values if value.metadata.ByteSize()}
    return {tag: content[0].decode() for tag, content in found.items()}


def test_event_files_hold_every_line(tmp_path: Path) -> None:
    sink = opened(tmp_path, [])
    began = time.time()
    for step in (2, 4, 6):
        sink.log(line(step))
    sink.close({"status": "completed", "solved": [True, False]})
    assert shown(tmp_path) == expected(2, 4, 6)
    assert all(began - 60 < event.wall_time <= time.time() for event in events(tmp_path))
    config, summary = (texts(tmp_path)[f"{name}/text_summary"] for name in ("config", "summary"))
    assert config == f"A run\n\n```yaml\n{CONFIG}\n```"
    assert json.loads(summary.strip("`json\n")) == {"status": "completed", "solved": [True, False]}


def test_a_resumed_run_has_every_line_once(tmp_path: Path) -> None:
    sink = opened(tmp_path, [])
    for step in (2, 4, 6, 8):
        sink.log(line(step))
    sink.close({"status": "interrupted"})
    sink = opened(tmp_path, [line(2), line(4)])  # the checkpoint is behind what was shown
    assert shown(tmp_path) == expected(2, 4)
    for step in (6, 8, 10):
        sink.log(line(step))
    sink.close({"status": "completed"})
    assert shown(tmp_path) == expected(2, 4, 6, 8, 10)
    assert "interrupted" not in texts(tmp_path)["summary/text_summary"]
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


def test_a_run_killed_while_its_view_was_written_anew(tmp_path: Path) -> None:
    (tmp_path / "tensorboard.partial").mkdir()
    (tmp_path / "tensorboard.partial" / "events.out.tfevents.1.host").write_bytes(b"half")
    opened(tmp_path, [line(2)]).close({})
    assert shown(tmp_path) == expected(2)
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


def test_lines_are_there_to_watch_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(tensorboard.time, "monotonic", lambda: now[0])
    sink = opened(tmp_path, [])
    seen = []
    for step, seconds in [(2, 0.5), (4, 0.5), (6, 0.9), (8, 2.0)]:
        now[0] += seconds
        sink.log(line(step))
        seen.append(len(shown(tmp_path)))
    assert seen == [0, 2, 2, 4]
    sink.close({})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_disk_that_is_full_is_an_error_of_the_sink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("tensorboardX.record_writer.open_file", lambda path: full)
        with pytest.raises(OSError, match="No space left"):
            opened(tmp_path, [])
