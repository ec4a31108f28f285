"""The folders of a run's checkpoints: what their names say, and which of them go.

    00000120                            step 120; whole once it holds its manifest
    00000120.orbax-checkpoint-tmp       a save that never ended
    00000120.damaged                    it failed to verify: set aside, neither read nor deleted

Whatever has another name is left alone.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from experiments.checkpoint.manifest import NAME, Damaged, Unfinished, is_whole, sync_folder, verify

_PATTERN = re.compile(r"(?P<step>\d{8,10})(\.orbax-checkpoint-tmp.*)?")


class Found(NamedTuple):
    """What has the name of a checkpoint."""

    step: int
    path: Path

    @property
    def unfinished(self) -> bool:
        """Whether it is a folder that was never sealed."""
        try:
            return not self.path.is_symlink() and NAME not in os.listdir(self.path)
        except OSError:
            return False

    def verify(self) -> None:
        """Raise Damaged if it is not a checkpoint in which every file is as it was saved."""
        if self.unfinished:
            raise Unfinished("its save never ended")
        verify(self.path, self.step)


def place(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step stands."""
    return folder / f"{step:08d}"


def newest_first(folder: Path) -> list[Found]:
    """All that has the name of a checkpoint; OSError if the folder cannot be read."""

    def found() -> Iterator[Found]:
        for path in folder.iterdir():
            match = _PATTERN.fullmatch(path.name)
            if match and match["step"] == place(folder, int(match["step"])).name:
                yield Found(int(match["step"]), path)

    return sorted(found(), reverse=True) if folder.exists() else []


def set_aside(path: Path) -> Path:
    """Give what is damaged another name, and tell which."""
    names = (f"{path.name}.damaged{number}" for number in ("", *map("-{}".format, range(2, 1000))))
    free = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    return path.rename(free)


def pass_over(path: Path, fault: Damaged) -> str:
    """Set a damaged checkpoint aside, and say so; a save that never ended goes with the next."""
    told = f"the checkpoint {path} is passed over: {fault}"
    if isinstance(fault, Unfinished):
        return told
    try:
        return f"{told}; it is now called {set_aside(path).name}"
    except OSError:
        return told


def make_room(folder: Path, step: int) -> None:
    """Remove saves that never ended, and set aside what is damaged and in the way of a new save.

    FileExistsError if a whole checkpoint of that step is there.
    """
    if not folder.exists():
        folder.mkdir(parents=True)
        sync_folder(folder.parent)
    for found in newest_first(folder):
        if found.unfinished:
            _remove(found.path)
    path = place(folder, step)
    if not os.path.lexists(path):
        return
    try:
        verify(path, step)
    except Damaged:
        set_aside(path)
    else:
        raise FileExistsError(f"{path} is there already, and not of this process")


def prune(folder: Path, keep: int, saved: int) -> None:
    """Remove all whole checkpoints but the newest `keep` and the step that has just been saved.

    One that cannot be removed stays.
    """
    whole = [each for each in newest_first(folder) if is_whole(each.path, each.step)]
    for found in whole[keep:]:
        if found.step != saved:
            with suppress(OSError):
                (found.path / NAME).unlink()  # first: what is left is no checkpoint at any moment
                _remove(found.path)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
