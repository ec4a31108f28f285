"""The manifest of a checkpoint: what its folder holds, down to the byte.

`manifest.json` is the last file that is written, so that a folder without one is a save that
never ended. It names every other file with its size and SHA-256, every leaf with its dtype,
shape and SHA-256, and ends with the SHA-256 of all this.

What is on disk after a loss of power: `seal` syncs every file and folder of the checkpoint, then
the manifest before it gets its name, then the step folder, then the folder that holds it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiments.checkpoint.leaves import Leaf

FORMAT = 1
NAME = "manifest.json"
PARTIAL = "manifest.json.partial"


class Damaged(Exception):
    """Why a checkpoint is not to be trusted."""


class Unfinished(Damaged):
    """A save that never ended."""


class Manifest(NamedTuple):
    """What a checkpoint says of itself."""

    step: int
    progress: dict[str, Any]
    leaves: dict[str, Leaf]
    files: dict[str, tuple[int, str]]
    """Path below the folder -> size in bytes, SHA-256."""


def seal(folder: Path, step: int, progress: Mapping[str, Any], leaves: Mapping[str, Leaf]) -> None:
    """Make a folder that is otherwise complete a checkpoint, and all of it durable."""
    names = sorted(files_below(folder))
    files = {name: _digest(folder / name, sync=True) for name in names}
    text = _render(Manifest(step, dict(progress), dict(leaves), files))
    for path, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(path))
    with (folder / PARTIAL).open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    (folder / PARTIAL).replace(folder / NAME)
    sync_folder(folder)
    sync_folder(folder.parent)


def read(folder: Path) -> Manifest:
    """The manifest of a folder, whose files may be other than it says; Damaged if it is not whole.

    Its text must be what `seal` writes, so that no byte of it can differ unseen.
    """
    try:
        text = (folder / NAME).read_text("utf-8")
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise Damaged(f"its format is {content['format']!r}; known: {FORMAT}")
        manifest = _parse(content)
        if _render(manifest) != text:
            raise Damaged(f"its {NAME} is damaged")
    except FileNotFoundError:
        raise Unfinished(f"it has no {NAME}") from None
    except OSError as error:
        raise Damaged(f"its {NAME} cannot be read: {error.strerror}") from None
    except (KeyError, RecursionError, TypeError, ValueError):
        raise Damaged(f"its {NAME} is damaged") from None
    return manifest


def verify(folder: Path, step: int) -> Manifest:
    """The manifest of a folder in which every file is as it was when it was sealed.

    Raises Damaged, which names the file.
    """
    try:
        manifest = _verify_sizes(folder, step)
        for name, (_, sha256) in manifest.files.items():
            if _digest(folder / name)[1] != sha256:
                raise Damaged(f"its file {name} differs from what was saved")
    except OSError as error:
        where = Path(error.filename or folder).name
        raise Damaged(f"its file {where} cannot be read: {error.strerror}") from None
    return manifest


def is_whole(folder: Path, step: int) -> bool:
    """Whether all files seem to be there, by their names and sizes."""
    try:
        _verify_sizes(folder, step)
    except (Damaged, OSError):
        return False
    return True


def _verify_sizes(folder: Path, step: int) -> Manifest:
    if folder.is_symlink() or not folder.is_dir():
        raise Damaged("it is not a folder")
    manifest = read(folder)
    if manifest.step != step:
        raise Damaged(f"it holds step {manifest.step}")
    found = set(files_below(folder))
    for name, (size, _) in manifest.files.items():
        if name not in found:
            raise Damaged(f"its file {name} is gone")
        actual = (folder / name).lstat().st_size
        if actual != size:
            raise Damaged(f"its file {name} has {actual} bytes and not {size}")
    if added := sorted(found - manifest.files.keys()):
        raise Damaged(f"its file {added[0]} was added later")
    return manifest


def files_below(folder: Path) -> Iterator[str]:
    """Every file of a checkpoint but its manifest, links too, by its path below the folder."""

    def fail(error: OSError) -> None:
        raise error

    for path, folders, files in os.walk(folder, onerror=fail):
        linked = [name for name in folders if Path(path, name).is_symlink()]
        for name in (*files, *linked):
            if (below := Path(path, name).relative_to(folder).as_posix()) != NAME:
                yield below


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path, *, sync: bool = False) -> tuple[int, str]:
    with path.open("rb") as file:
        if sync:
            os.fsync(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha256


def _parse(content: Mapping[str, Any]) -> Manifest:
    return Manifest(
        step=content["step"],
        progress=content["progress"],
        leaves={
            each["path"]: Leaf(each["dtype"], tuple(each["shape"]), each["sha256"])
            for each in content["leaves"]
        },
        files={each["path"]: (each["size"], each["sha256"]) for each in content["files"]},
    )


def _render(manifest: Manifest) -> str:
    content = {
        "format": FORMAT,
        "step": manifest.step,
        "progress": manifest.progress,
        "leaves": [{"path": name, **leaf._asdict()} for name, leaf in manifest.leaves.items()],
        "files": [
            {"path": name, "size": size, "sha256": sha256}
            for name, (size, sha256) in manifest.files.items()
        ],
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(content, indent=1) + "\n"
