"""kill -9 at random moments: a run that goes on ends with the bits of one that was never killed.

Half of the moments are uniform over the life of a run, half are aimed at saves: some milliseconds
after a save has begun. `--kills` says how many in all, `--random-seed` which.
"""

import collections
import random
import time
from pathlib import Path

import pytest

from tests.reliability.commands import Running
from tests.reliability.conftest import Report
from tests.reliability.runs import (
    CONFIGS,
    assert_readable,
    assert_same,
    complete,
    result,
    resume,
    sealed,
    unsealed,
    write_config,
)

SAVE = 0.025
"""Seconds of a save within which an aimed kill falls."""


def wait_for_a_moment(rng: random.Random, running: Running, run: Path, life: float) -> None:
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0.0, life))
        return
    known = unsealed(run)

    def begun() -> bool:
        return not unsealed(run) <= known

    for _ in range(rng.randint(1, 4)):
        running.until(begun)
        known |= unsealed(run)
    time.sleep(rng.uniform(0.0, SAVE))


@pytest.mark.parametrize("name", CONFIGS)
def test_killed_runs_end_alike(
    name: str, tmp_path: Path, pytestconfig: pytest.Config, report: Report
) -> None:
    share = list(CONFIGS).index(name)
    count = len(range(share, pytestconfig.getoption("kills"), len(CONFIGS)))
    rng = random.Random(f"{pytestconfig.getoption('random_seed')} {name}")
    config = write_config(name, tmp_path)
    complete(config, tmp_path / "first")  # compiles; what follows finds the programs
    began = time.monotonic()
    complete(config, tmp_path / "straight")
    life = time.monotonic() - began
    straight = result(tmp_path / "straight")
    assert_same(tmp_path / "first", straight)

    seen: collections.Counter[str] = collections.Counter()
    while seen["kills"] < count:
        seen["runs"] += 1
        run = tmp_path / f"run {seen['runs']}"
        while True:
            old, running = unsealed(run), resume(config, run)
            if seen["kills"] < count:
                wait_for_a_moment(rng, running, run, life)
            else:
                running.process.wait()
            if running.ended:
                break
            running.process.kill()
            running.wait()
            seen["kills"] += 1
            assert_readable(run) if run.exists() else None
            if unsealed(run) - old:
                seen["in a save"] += 1
            elif not sealed(run):
                seen["before the first checkpoint"] += 1
            else:
                seen["elsewhere"] += 1
        ended = running.wait()
        assert ended.status == 0, ended.said
        assert_same(run, straight)
    report(
        f"{seen['kills']} kills of {seen['runs']} runs of {life:.1f} s: {seen['in a save']} in a "
        f"save, {seen['before the first checkpoint']} before the first checkpoint, "
        f"{seen['elsewhere']} elsewhere; all ended alike"
    )
