"""The manifest: no file of a checkpoint and no byte of itself can change unseen."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.checkpoint import manifest
from experiments.checkpoint.leaves import Leaf
from experiments.checkpoint.manifest import Damaged, Manifest, Unfinished, is_whole, seal, verify

LEAVES = {"b": Leaf("float32", (2, 3), "00" * 32), "a": Leaf("int32", (), "11" * 32)}
PROGRESS = {"metrics": 123, "loss": [0.1, float("inf")], "deep": {"é": None, "a": True}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "00000007")


def fill(folder: Path) -> Path:
    (folder / "d" / "e").mkdir(parents=True)
    (folder / "one").write_bytes(bytes(range(256)))
    (folder / "d" / "e" / "two").write_bytes(b"two")
    (folder / "d" / "none").write_bytes(b"")
    seal(folder, 7, PROGRESS, LEAVES)
    return folder


def test_what_is_sealed_comes_back(folder: Path) -> None:
    found = verify(folder, 7)
    assert found[:3] == Manifest(7, PROGRESS, LEAVES, {})[:3]
    assert {name: size for name, (size, _) in found.files.items()} == {
        "one": 256,
        "d/e/two": 3,
        "d/none": 0,
    }
    assert is_whole(folder, 7)
    assert json.loads((folder / "manifest.json").read_text())["format"] == 1


@pytest.mark.parametrize("name", ["one", "d/e/two"])
def test_a_flipped_byte_is_seen(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for place in range(0, len(content), 51):
        for bit in (1, 128):
            flipped = bytearray(content)
            flipped[place] ^= bit
            (folder / name).write_bytes(flipped)
            with pytest.raises(Damaged, match=f"its file {name} differs from what was saved"):
                verify(folder, 7)
    (folder / name).write_bytes(content)
    verify(folder, 7)


@pytest.mark.parametrize("name", ["one", "d/e/two"])
def test_a_file_of_another_length_is_seen(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for other in (content[:-1], content + b"\0", b""):
        (folder / name).write_bytes(other)
        sizes = f"{len(other)} bytes and not {len(content)}"
        with pytest.raises(Damaged, match=f"its file {name} has {sizes}"):
            verify(folder, 7)
        assert not is_whole(folder, 7)


@pytest.mark.parametrize("name", ["one", "d/e/two", "d/none"])
def test_a_file_that_is_gone_is_seen(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(Damaged, match=f"its file {name} is gone"):
        verify(folder, 7)
    assert not is_whole(folder, 7)


@pytest.mark.parametrize("name", ["three", "d/e/three", "manifest.json.partial", "d/manifest.json"])
def test_a_file_that_is_added_is_seen(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(Damaged, match=f"its file {name} was added later"):
        verify(folder, 7)


def test_links_are_not_followed_unseen(folder: Path, tmp_path: Path) -> None:
    (folder / "d" / "link").symlink_to(tmp_path)
    with pytest.raises(Damaged, match="its file d/link was added later"):
        verify(folder, 7)


def test_a_folder_in_place_of_a_file_is_seen(folder: Path) -> None:
    (folder / "one").unlink()
    (folder / "one").mkdir()
    with pytest.raises(Damaged, match="its file one is gone"):
        verify(folder, 7)


def test_every_byte_of_the_manifest_counts(folder: Path) -> None:
    path = folder / "manifest.json"
    content = path.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= (1, 2, 32, 128)[place % 4]
        path.write_bytes(flipped)
        with pytest.raises(Damaged, match=r"its manifest.json is damaged|its format is"):
            manifest.read(folder)
    for length in (*range(0, len(content), 40), len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(Damaged, match=r"its manifest.json is damaged"):
            manifest.read(folder)


@given(text=st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda inner:
    st.lists(inner) | st.dictionaries(st.sampled_from(["format", "step", "leaves", "files"]), inner)
).map(json.dumps))  # fmt: skip
def test_no_other_text_is_a_manifest(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "manifest.json").write_text(text, "utf-8", errors="surrogatepass")
        with pytest.raises(Damaged):
            manifest.read(Path(folder))


def test_a_manifest_with_its_hash_made_anew_still_answers_for_the_files(folder: Path) -> None:
    moved = folder.rename(folder.with_name("00000008"))
    with pytest.raises(Damaged, match="it holds step 7"):
        verify(moved, 8)


def test_without_a_manifest_it_is_a_save_that_never_ended(folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").unlink()
    (tmp_path / "00000009").mkdir()
    for unfinished in (folder, tmp_path / "00000009"):
        with pytest.raises(Unfinished, match=r"it has no manifest\.json"):
            verify(unfinished, 7)


def test_a_later_format_is_named(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(Damaged, match="its format is 2; known: 1"):
        verify(folder, 7)


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link", "nothing"):
        with pytest.raises(Damaged, match="it is not a folder"):
            verify(tmp_path / name, 7)


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder to work in while this process has no right to what others may not read."""
    if os.geteuid() != 0:
        with tempfile.TemporaryDirectory() as path:
            yield Path(path)
        return
    with tempfile.TemporaryDirectory() as path:
        os.chown(path, 65534, -1)
        os.seteuid(65534)
        try:
            yield Path(path)
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("name", [".", "d", "d/e", "one", "d/e/two", "manifest.json"])
def test_what_cannot_be_read_is_told(as_nobody: Path, name: str) -> None:
    folder = fill(as_nobody / "00000007")
    mode = stat.S_IMODE((folder / name).stat().st_mode)
    (folder / name).chmod(0)
    with pytest.raises(Damaged, match=r"its .* cannot be read: Permission denied"):
        verify(folder, 7)
    (folder / name).chmod(mode)
    verify(folder, 7)


def test_a_read_only_checkpoint_verifies(as_nobody: Path) -> None:
    folder = fill(as_nobody / "00000007")
    for path, mode in (("one", 0o400), ("d", 0o500), (".", 0o500)):
        (folder / path).chmod(mode)
    verify(folder, 7)
    for path in (".", "d"):
        (folder / path).chmod(0o700)


def test_all_is_durable_before_the_manifest_and_it_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync, replace = os.fsync, Path.replace

    def record(descriptor: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))
        sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        synced.append(f"{path.name} -> {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(Path, "replace", rename)
    fill(tmp_path / "7")
    files = {"7/one", "7/d/none", "7/d/e/two"}
    assert set(synced[:3]) == files
    assert synced[3:] == [
        *("7/d/e", "7/d", "7"),
        "7/manifest.json.partial",
        "manifest.json.partial -> manifest.json",
        *("7", "."),
    ]
