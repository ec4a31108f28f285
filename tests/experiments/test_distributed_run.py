"""A whole run over two processes on loopback leaves what one process with two devices leaves."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from experiments.checkpoint import manifest
from tests.conftest import COMPLETE
from tests.loopback import ended, free_port, started

CONFIG = """
title: Adding two numbers, far too briefly
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: adam, learning_rate: 0.01}
train: {batch_size: 4, max_sequences: 40, log_every: 2, evaluate_every: 4, side_by_side: 1,
        shares: 2}
"""


def run(config: Path, out: Path, devices: int, *arguments: str) -> "subprocess.Popen[str]":
    program = ("-m", "experiments", "run", config, "--out", out)
    return started(*program, *arguments, devices=devices)


def pair(config: Path, out: Path, *arguments: str) -> "list[subprocess.Popen[str]]":
    """The two processes of one run, of one device each."""
    address = f"127.0.0.1:{free_port()}"
    return [run(config, out, 1, "--distributed", f"{address},2,{i}", *arguments) for i in range(2)]


def newest(run: Path) -> manifest.Manifest:
    """The newest checkpoint, with the SHA-256 of every leaf; its files are those it names."""
    step = max(int(path.name) for path in (run / "checkpoints").iterdir() if path.name.isdigit())
    return manifest.verify(run / "checkpoints" / f"{step:08}", step)


def said(out: str) -> str:
    """What a process printed, without the line that Gloo adds from C++."""
    return "".join(line for line in out.splitlines(True) if not line.startswith("[Gloo]"))


@pytest.mark.few(1)
@pytest.mark.parametrize("seeds", [2, 1], ids=["over seeds", "over each batch"])
def test_two_processes_leave_what_one_with_two_devices_leaves(seeds: int, tmp_path: Path) -> None:
    config, alone, shared = (tmp_path / name for name in ("adding.yaml", "alone", "shared"))
    config.write_text(CONFIG)
    for_seeds = f"train.seeds={seeds}"
    (one,) = ended(run(config, alone, 2, for_seeds))
    zeroth, other = ended(*pair(config, shared, for_seeds))
    assert [each.status for each in (one, zeroth, other)] == [0, 0, 0], zeroth.err + other.err
    assert (shared / "metrics.jsonl").read_bytes() == (alone / "metrics.jsonl").read_bytes() != b""
    assert newest(shared).leaves == newest(alone).leaves
    assert said(other.out) == ""
    assert said(zeroth.out) != ""
    if COMPLETE:
        go_on_alone(config, alone, shared, for_seeds)


def test_two_processes_go_through_a_curriculum(tmp_path: Path) -> None:
    config, alone, shared = (tmp_path / name for name in ("adding.yaml", "alone", "shared"))
    config.write_text(CONFIG + "curriculum: [{train.max_sequences: 8, task.length: 25}]\n")
    (one,) = ended(run(config, alone, 2, "train.seeds=2"))
    zeroth, other = ended(*pair(config, shared, "train.seeds=2"))
    assert [each.status for each in (one, zeroth, other)] == [0, 0, 0], zeroth.err + other.err
    stage = Path("curriculum", "1")
    for run_of in (stage, Path()):
        assert newest(shared / run_of).leaves == newest(alone / run_of).leaves
    assert (shared / "metrics.jsonl").read_bytes() == (alone / "metrics.jsonl").read_bytes() != b""
    assert said(other.out) == ""


def go_on_alone(config: Path, alone: Path, shared: Path, for_seeds: str) -> None:
    """A run over two processes is gone on with by one, to the same bits."""
    further = [for_seeds, "train.max_sequences=80", "--resume"]
    both = [ended(run(config, out, 2, *further))[0] for out in (alone, shared)]
    assert [each.status for each in both] == [0, 0], both[1].err
    assert (shared / "metrics.jsonl").read_bytes() == (alone / "metrics.jsonl").read_bytes()
    assert newest(shared).leaves == newest(alone).leaves
    assert newest(shared).step == 20


def test_a_signal_to_any_process_ends_all_with_a_checkpoint(tmp_path: Path) -> None:
    config, out = tmp_path / "adding.yaml", tmp_path / "run"
    config.write_text(CONFIG)
    both = pair(config, out, "train.seeds=2", "train.max_sequences=4000000")
    metrics, deadline = out / "metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    both[1].send_signal(signal.SIGTERM)
    found = ended(*both)
    assert [each.status for each in found] == [143, 143], found[0].err + found[1].err
    assert newest(out).step > 0
