"""Folders that are not as a run left them, that another run uses, or that cannot be written."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.commands import Ended
from tests.reliability.conftest import Report
from tests.reliability.runs import (
    Result,
    assert_readable,
    assert_same,
    complete,
    copy,
    interrupted,
    leaves,
    result,
    resume,
    sealed,
    tree_hash,
    write_config,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """A config, a run of it that was killed, and the result of one that was not."""
    folder = tmp_path_factory.mktemp("folders")
    config = write_config("adding", folder)
    complete(config, folder / "straight")
    interrupted(config, folder / "begun")
    return config, folder / "begun", result(folder / "straight")


@contextlib.contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A small disk; skips where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def disk_usage(folder: Path) -> int:
    """Bytes of a folder on the disk, in blocks."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def assert_failed(ended: Ended, *words: str) -> None:
    """It failed with a sentence."""
    assert ended.status == 1, ended.said
    assert "Traceback" not in ended.said
    assert all(word in ended.stderr for word in words), ended.stderr


def test_what_is_no_checkpoint_is_left_alone(
    begun: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    config, run, straight = begun
    here = copy(run, tmp_path / "run")
    checkpoints = here / "checkpoints"
    for name in ("99999999", "99999997.orbax-checkpoint-tmp-1", "abc", "1", "00000120.bak"):
        (checkpoints / name).mkdir()
    (checkpoints / "99999998").write_text("a file", "utf-8")
    (checkpoints / "notes.txt").write_text("mine", "utf-8")
    (checkpoints / "99999996").mkdir()
    (checkpoints / "99999996" / "notes.txt").write_text("mine", "utf-8")
    shutil.copytree(sealed(run)[-1], checkpoints / "99999995")
    ended = complete(config, here)
    assert_same(here, straight)
    assert all(name in ended.said for name in ("99999999", "99999998", "99999996", "99999995"))
    assert (checkpoints / "notes.txt").read_text("utf-8") == "mine"
    assert all((checkpoints / name).is_dir() for name in ("abc", "1", "00000120.bak"))


def test_a_checkpoint_of_another_run_is_not_trained_on(
    begun: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    config, run, straight = begun
    other = tmp_path / "other"
    complete(config, other, "train.first_seed=100")
    here = copy(run, tmp_path / "run")
    foreign = here / "checkpoints" / sealed(other)[-1].name
    shutil.copytree(sealed(other)[-1], foreign)
    ended = resume(config, here).wait()
    assert ended.status == 2, ended.said
    assert "Traceback" not in ended.said
    assert foreign.name in ended.stderr
    shutil.rmtree(foreign)
    complete(config, here)
    assert_same(here, straight)


@pytest.mark.short(0)  # a model to compile
def test_a_checkpoint_of_another_model_is_refused(
    begun: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    config, run, _ = begun
    other = tmp_path / "other"
    complete(config, other, "model.hidden_size=7")
    here = copy(run, tmp_path / "run")
    shutil.copytree(sealed(other)[-1], here / "checkpoints" / sealed(other)[-1].name)
    ended = resume(config, here).wait()
    assert ended.status in (0, 1), ended.said
    assert "Traceback" not in ended.said
    assert sealed(other)[-1].name in ended.said


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
def test_step_folders_without_permission(begun: tuple[Path, Path, Result], tmp_path: Path) -> None:
    """The newest cannot be read, the others cannot be changed or removed."""
    config, run, straight = begun
    here = copy(run, tmp_path / "run")
    *others, newest = sealed(here)
    newest.chmod(0o000)
    for checkpoint in others:
        for path in (checkpoint, *checkpoint.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    mortal = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
    ended = complete(config, here, prefix=(*mortal, "--inh-caps=-all"))
    assert newest.name in ended.said
    for path in (here / "checkpoints").iterdir():
        path.chmod(0o755)
    assert_same(here, straight)


@needs_root
def test_a_disk_that_is_read_only(begun: tuple[Path, Path, Result], tmp_path: Path) -> None:
    config, run, straight = begun
    with tmpfs(tmp_path / "disk", "64m") as disk:
        here = copy(run, disk / "run")
        before = tree_hash(here)
        remount(disk, "ro")
        ended = resume(config, here).wait()
        assert ended.status in (1, 2), ended.said
        assert "ead-only file system" in ended.stderr
        assert "Traceback" not in ended.said
        assert tree_hash(here) == before
        remount(disk, "rw")
        complete(config, here)
        assert_same(here, straight)


@needs_root
@pytest.mark.short(1)
@pytest.mark.parametrize("spare", [0.1, 0.7, 2.5], ids="{} checkpoints".format)
def test_a_disk_that_fills_up(
    spare: float, begun: tuple[Path, Path, Result], tmp_path: Path, report: Report
) -> None:
    config, run, straight = begun
    with tmpfs(tmp_path / "disk", "64m") as disk:
        here = copy(run, disk / "run")
        used, size = shutil.disk_usage(disk).used, disk_usage(sealed(here)[-1])
        remount(disk, f"size={used + int(spare * size)}")
        ended = resume(config, here, "output.keep_checkpoints=1000").wait()
        assert_failed(ended, "No space left on device")
        assert_readable(here)
        leaves(sealed(here)[-1])
        remount(disk, "size=64m")
        complete(config, here)
        assert_same(here, straight)
    report(f"full after {spare} of a checkpoint of {size} bytes; went on, ended alike")


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="there is no prlimit")
@pytest.mark.short(1)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.99])
def test_files_that_may_not_grow(
    share: float, begun: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    """The smallest share leaves room for the sentence, which goes to a file too."""
    config, run, straight = begun
    here = copy(run, tmp_path / "run")
    largest = max(path.stat().st_size for path in sealed(here)[-1].rglob("*"))
    limit = ("prlimit", f"--fsize={int(share * largest)}")
    ended = resume(config, here, prefix=limit).wait()
    assert_failed(ended, "File too large")
    assert_readable(here)
    leaves(sealed(here)[-1])
    complete(config, here)
    assert_same(here, straight)


def test_a_second_run_is_refused_by_name(tmp_path: Path) -> None:
    config = write_config("adding", tmp_path)
    run = tmp_path / "run"
    first = resume(config, run)
    assert first.until(lambda: sealed(run) != [])
    ended = resume(config, run).wait()
    assert ended.status == 2, ended.said
    assert str(first.process.pid) in ended.stderr
    assert "Traceback" not in ended.said
    ended = first.wait()
    assert ended.status == 0, ended.said
    complete(config, tmp_path / "straight")
    assert_same(run, result(tmp_path / "straight"))
