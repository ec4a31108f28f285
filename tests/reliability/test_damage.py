"""A checkpoint with any of its files flipped by a bit, truncated or deleted is never trained on."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.conftest import Report
from tests.reliability.runs import (
    Result,
    assert_same,
    complete,
    copy,
    flip,
    interrupted,
    result,
    resume,
    sealed,
    tree_hash,
    write_config,
)


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped": flip,
    "truncated": truncate,
    "deleted": Path.unlink,
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """A config, a run of it that was killed, and the result of one that was not."""
    folder = tmp_path_factory.mktemp("damage")
    config = write_config("adding", folder)
    complete(config, folder / "straight")
    interrupted(config, folder / "begun")
    return config, folder / "begun", result(folder / "straight")


def files(checkpoint: Path) -> list[str]:
    found = (path for path in checkpoint.rglob("*") if path.is_file())
    return sorted(path.relative_to(checkpoint).as_posix() for path in found)


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_step_before_is_restored(
    damage: str,
    begun: tuple[Path, Path, Result],
    tmp_path: Path,
    pytestconfig: pytest.Config,
    report: Report,
) -> None:
    config, run, straight = begun
    *_, previous, newest = sealed(run)
    names = files(newest)
    if damage != "deleted":
        names = [name for name in names if (newest / name).stat().st_size]
    rng = random.Random(f"{pytestconfig.getoption('random_seed')} {damage}")
    chosen = rng.sample(names, min(len(names), pytestconfig.getoption("damaged")))
    for name in chosen:
        here = copy(run, tmp_path / "run")
        DAMAGES[damage](here / "checkpoints" / newest.name / name)
        ended = complete(config, here)
        assert newest.name in ended.said, f"{name}: {ended.said}"
        assert str(int(previous.name)) in ended.said.replace(",", ""), f"{name}: {ended.said}"
        assert "Traceback" not in ended.said
        assert_same(here, straight)
    report(
        f"{len(chosen)} of {len(names)} files {damage}, one at a time: step {previous.name} "
        "restored, ended alike"
    )


@pytest.mark.short(1)
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_error_where_none_is_left(
    damage: str, begun: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    config, run, _ = begun
    here = copy(run, tmp_path / "run")
    for checkpoint in sealed(here):
        largest = max(files(checkpoint), key=lambda name: (checkpoint / name).stat().st_size)
        DAMAGES[damage](checkpoint / largest)
    before = tree_hash(here / "checkpoints")
    metrics = (here / "metrics.jsonl").read_bytes()
    ended = resume(config, here).wait()
    assert ended.status == 1, ended.said
    assert "Traceback" not in ended.said
    assert "no checkpoint" in ended.stderr
    assert all(checkpoint.name in ended.stderr for checkpoint in sealed(run))
    assert tree_hash(here / "checkpoints") == before
    assert (here / "metrics.jsonl").read_bytes() == metrics
