"""SIGTERM and Ctrl-C at random moments: the run saves, ends soon, goes on with the same bits."""

import json
import random
import re
import signal
import statistics
import time
from pathlib import Path

import pytest

from tests.reliability.conftest import Report
from tests.reliability.runs import (
    assert_readable,
    assert_same,
    complete,
    leaves,
    manifest,
    result,
    resume,
    sealed,
    tree_hash,
    write_config,
)

SECONDS = 5.0
"""Within which a run ends after a signal."""
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}


def last_step(run: Path) -> int:
    """That of the last whole line of metrics."""
    metrics = run / "metrics.jsonl"
    lines = metrics.read_bytes().split(b"\n")[:-1] if metrics.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def is_completed(run: Path) -> bool:
    path = run / "summary.json"
    return path.exists() and json.loads(path.read_text("utf-8"))["status"] == "completed"


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_signal_saves(
    number: signal.Signals, tmp_path: Path, pytestconfig: pytest.Config, report: Report
) -> None:
    count = pytestconfig.getoption("terminations") // (1 if number == signal.SIGTERM else 4)
    rng = random.Random(f"{pytestconfig.getoption('random_seed')} {number}")
    config = write_config("adding", tmp_path)
    rarely = "output.checkpoint_seconds=1000"  # all but the first checkpoint are due to signals
    complete(config, tmp_path / "first", rarely)
    began = time.monotonic()
    complete(config, tmp_path / "straight", rarely)
    life = time.monotonic() - began
    straight = result(tmp_path / "straight")

    seconds: list[float] = []
    early = runs = 0
    while len(seconds) < count:
        runs += 1
        run = tmp_path / f"run {runs}"
        while len(seconds) < count:
            before, running = tree_hash(run), resume(config, run, rarely)
            time.sleep(rng.uniform(0.0, life))
            if running.ended:
                running.wait()
                break
            began = time.monotonic()
            running.process.send_signal(number)
            ended = running.wait()
            if ended.status == 0 or is_completed(run):
                break  # it came when all was done
            if ended.status == -number:  # it was about to import what listens
                early += 1
                assert tree_hash(run) == before
                continue
            seconds.append(time.monotonic() - began)
            assert "Traceback" not in ended.said
            assert ended.status == STATUS[number], ended.said
            assert_readable(run)
            if not sealed(run):  # it was compiling
                assert last_step(run) == 0
                continue
            step = manifest(sealed(run)[-1])["step"]  # where it ended, maybe within a line
            told = re.search(r" at step ([\d,]+): ", ended.said)  # not if it had yet to begin
            assert told is None or int(told[1].replace(",", "")) == step, ended.said
            assert step >= last_step(run)
            leaves(sealed(run)[-1])
        complete(config, run, rarely)
        assert_same(run, straight)
    assert max(seconds) <= SECONDS
    report(
        f"{len(seconds)} signals to {runs} runs of {life:.1f} s; ended after "
        f"{min(seconds):.2f} to {max(seconds):.2f} s "
        f"(median {statistics.median(seconds):.2f} s); {early} more came before a run listened, "
        "and changed nothing"
    )


def test_a_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    config = write_config("adding", tmp_path)
    run = tmp_path / "run"
    running = resume(config, run, "train.log_every=7000")
    assert running.until(lambda: sealed(run) != [])
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    began = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    ended = running.wait()
    assert time.monotonic() - began < 1.0
    assert ended.status in (130, -signal.SIGINT), ended.said
    assert "Traceback" not in ended.said
