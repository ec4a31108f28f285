"""Checkpoint folders: whose names count, what is removed, what is set aside."""

from pathlib import Path

import pytest

from experiments.checkpoint import folders
from experiments.checkpoint.manifest import Damaged, Unfinished, seal


def whole(folder: Path, step: int) -> Path:
    path = folders.place(folder, step)
    path.mkdir(parents=True)
    (path / "data").write_text(str(step))
    seal(path, step, {}, {})
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FOREIGN = ["12", "000000123", "0000012x", "notes", "00000012.damaged", "00000012.bak", "-0000012"]


def test_only_names_of_checkpoints_count(tmp_path: Path) -> None:
    for name in FOREIGN:
        (tmp_path / name).mkdir()
    (tmp_path / "00000003").write_text("")
    (tmp_path / "00000012.orbax-checkpoint-tmp").mkdir()
    for step in (0, 40, 100_000_000):
        whole(tmp_path, step)
    found = [(each.step, each.path.name) for each in folders.newest_first(tmp_path)]
    assert found == [
        (100_000_000, "100000000"),
        (40, "00000040"),
        (12, "00000012.orbax-checkpoint-tmp"),
        (3, "00000003"),
        (0, "00000000"),
    ]
    assert folders.newest_first(tmp_path / "nothing") == []


def test_room_is_made_of_saves_that_never_ended_alone(tmp_path: Path) -> None:
    for name in FOREIGN:
        (tmp_path / name).mkdir()
    for name in ("00000002", "00000009", "00000005.orbax-checkpoint-tmp"):
        (tmp_path / name / "d").mkdir(parents=True)
        (tmp_path / name / "d" / "part").write_text("x")
    (tmp_path / "00000004").write_text("a file")
    (tmp_path / "00000006").symlink_to(tmp_path / "12")
    kept = whole(tmp_path, 3)
    damaged = whole(tmp_path, 1)
    (damaged / "data").write_text("2")
    folders.make_room(tmp_path, 7)
    assert names(tmp_path) == sorted(
        [*FOREIGN, damaged.name, kept.name, "00000004", "00000006"],
    )


@pytest.mark.parametrize("earlier", [0, 1, 2])
def test_what_is_damaged_and_in_the_way_is_set_aside(tmp_path: Path, earlier: int) -> None:
    aside = ["00000001.damaged", "00000001.damaged-2", "00000001.damaged-3"]
    for name in aside[:earlier]:
        (tmp_path / name).mkdir()
    path = whole(tmp_path, 1)
    (path / "data").write_text("2")
    folders.make_room(tmp_path, 1)
    assert names(tmp_path) == aside[: earlier + 1]
    assert (tmp_path / aside[earlier] / "data").read_text() == "2"


def test_a_file_in_the_way_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "00000001").write_text("mine")
    folders.make_room(tmp_path, 1)
    assert (tmp_path / "00000001.damaged").read_text() == "mine"


def test_a_whole_checkpoint_is_never_in_the_way(tmp_path: Path) -> None:
    path = whole(tmp_path, 1)
    with pytest.raises(FileExistsError, match=f"{path} is there already, and not of this process"):
        folders.make_room(tmp_path, 1)
    assert names(tmp_path) == [path.name]


def test_the_newest_whole_ones_are_kept(tmp_path: Path) -> None:
    for step in range(6):
        whole(tmp_path, step)
    (tmp_path / "00000005" / "data").unlink()
    (tmp_path / "00000003" / "manifest.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    folders.prune(tmp_path, keep=2, saved=4)
    assert names(tmp_path) == ["00000002", "00000003", "00000004", "00000005", "notes"]


def test_what_has_just_been_saved_is_kept(tmp_path: Path) -> None:
    for step in range(4):
        whole(tmp_path, step)
    folders.prune(tmp_path, keep=1, saved=1)
    assert names(tmp_path) == ["00000001", "00000003"]


def test_while_one_is_removed_it_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(2):
        whole(tmp_path, step)

    def interrupted(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            folders.prune(tmp_path, keep=1, saved=1)
    assert folders.newest_first(tmp_path)[1].unfinished
    folders.make_room(tmp_path, 2)
    assert names(tmp_path) == ["00000001"]


def test_what_is_passed_over_is_told_and_set_aside_if_it_is_damaged(tmp_path: Path) -> None:
    path = whole(tmp_path, 1)
    told = folders.pass_over(path, Unfinished("its save never ended"))
    assert told == f"the checkpoint {path} is passed over: its save never ended"
    assert path.exists()
    told = folders.pass_over(path, Damaged("it is bad"))
    assert told == (
        f"the checkpoint {path} is passed over: it is bad; it is now called 00000001.damaged"
    )
    assert names(tmp_path) == ["00000001.damaged"]
    assert folders.pass_over(path, Damaged("it is bad")).endswith("is passed over: it is bad")
