"""Runs of Weights & Biases in processes of their own, without a network; read back from disk."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("wandb")

from experiments.sinks import wandb as sink
from experiments.sinks.base import Subject

ROOT = Path(__file__).parents[3]
MEMBERS = ["seed_0", "seed_1"]
HEADER, BLOCK = 7, 2**15

SCRIPT = """
import json, sys
from pathlib import Path
from experiments.sinks import wandb
from experiments.sinks.base import Subject
from experiments.sinks.views import open_sinks
wandb.REACHED_WITHIN = 1
run, past, lines = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
config = "title: A run\\ntrain: {seeds: 2}\\n"
subject = Subject(run, config, "A run", ["seed_0", "seed_1"], past)
with open_sinks(["wandb"], subject) as sinks:
    for line in lines:
        sinks.log(line)
    sinks.summarise({"status": "completed", "final": {"train_loss": [0.5, None]}})
"""


def line(step: int) -> dict[str, Any]:
    return {"step": step, "sequences": 4 * step, "loss": [1.0 / step, None]}


def follow(run: Path, past: range, lines: range, **variables: str) -> str:
    """Shows a run in a process whose network is a closed port; returns what it says."""
    closed = "http://127.0.0.1:9"
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    surroundings |= {"HTTP_PROXY": closed, "HTTPS_PROXY": closed, "WANDB_BASE_URL": closed}
    arguments = [str(run), *(json.dumps(list(map(line, steps))) for steps in (past, lines))]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
        cwd=ROOT,
        env=surroundings | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout + done.stderr


class Shown(NamedTuple):
    """What the one offline run of a directory holds."""

    id: str
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    config: dict[str, Any]


def shown(run: Path) -> Shown:
    """The run on disk, a log of protocol buffers in LevelDB's frames."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    content, place, parts = file.read_bytes(), HEADER, b""
    found = Shown("", [], {}, {})
    while len(content) - place >= 7:
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind not in (1, 4):  # whole, or the last of several
            continue
        record, parts = Record.FromString(parts), b""
        if record.HasField("history"):
            items = record.history.item
            found.history.append({i.key or "/".join(i.nested_key): i.value_json for i in items})
        for item in record.summary.update:
            found.summary["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
        if record.HasField("run"):
            found = found._replace(id=record.run.run_id)
            for item in record.run.config.update:
                found.config[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return found


def expected(steps: range) -> list[dict[str, float]]:
    return [
        {"_step": step, "sequences": 4 * step, "loss": 1 / step, "loss/seed_0": 1 / step}
        for step in steps
    ]


def history(found: Shown) -> list[dict[str, float]]:
    kept = ({k: json.loads(v) for k, v in row.items()} for row in found.history)
    return [{k: v for k, v in row.items() if k not in ("_runtime", "_timestamp")} for row in kept]


def test_offline_a_run_leaves_every_line_on_disk_and_says_nothing(tmp_path: Path) -> None:
    assert follow(tmp_path, range(0), range(2, 8, 2)) == ""
    found = shown(tmp_path)
    assert history(found) == expected(range(2, 8, 2))
    assert found.id == (tmp_path / "wandb" / "run_id").read_text()
    assert found.config["train"] == {"seeds": 2}
    assert found.summary["status"] == "completed"


def test_a_resumed_run_has_every_line_once_under_one_id(tmp_path: Path) -> None:
    follow(tmp_path, range(0), range(2, 12, 2))
    before = shown(tmp_path)
    assert follow(tmp_path, range(2, 8, 2), range(8, 14, 2)) == ""
    found = shown(tmp_path)
    assert history(found) == expected(range(2, 14, 2))
    assert found.id == before.id


@pytest.mark.parametrize(
    "key, why",
    [("short", "WANDB_API_KEY invalid"), ("0123456789" * 4, "Failed to get resume status")],
    ids=["wrong", "no server"],
)
def test_a_login_that_cannot_serve_leaves_the_run_offline(
    key: str, why: str, tmp_path: Path
) -> None:
    said = follow(tmp_path, range(0), range(2, 6, 2), WANDB_API_KEY=key)
    assert said.startswith(f"warning: wandb goes on offline: {why}")
    assert said.count("\n") == 1
    assert history(shown(tmp_path)) == expected(range(2, 6, 2))


def test_online_a_resumed_run_sends_what_the_server_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    asked: list[dict[str, Any]] = []

    class Server:
        starting_step = 7

        def log(self, values: dict[str, float], step: int, commit: bool) -> None:
            assert commit
            sent.append(step)

    def begin(**options: Any) -> Server:
        asked.append(options)
        return Server()

    monkeypatch.setattr(sink.wandb, "setup", lambda settings: None)
    monkeypatch.setattr(sink.wandb, "init", begin)
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    for past in ([], [2, 4, 6, 8]):
        view = sink.WandB(Subject(tmp_path, "a: 1\n", "A run", MEMBERS, map(line, past)))
    view.log(line(10))
    assert sent == [8, 10]
    assert [options["mode"] for options in asked] == ["online", "online"]
    assert asked[0]["id"] == asked[1]["id"]


@pytest.mark.parametrize(
    "variables, expected",
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "k"}, "online"),
        ({"WANDB_API_KEY": "k", "WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_MODE": "online"}, "online"),
    ],
)
def test_it_is_online_for_those_who_ask(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert sink.mode() == expected
