"""A Markdown page with places whose text a command writes.

<!-- layers on cpu -->
whatever stands here is replaced
<!-- end -->
"""

import os.path
import re
import shutil
from pathlib import Path

from experiments.files import write

END = "<!-- end -->"
PICTURES = "results"
"""The folder of pictures, beside the page."""


class Place:
    """A named place on a page."""

    def __init__(self, path: Path, name: str) -> None:
        """ValueError where the file is not there or has no such place."""
        self._path, self._begin = path, f"<!-- {name} -->"
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
        if not self._pattern.search(path.read_text("utf-8")):
            raise ValueError(
                f"{path}: it has no place for the tables, which are two lines of their own, "
                f"{self._begin} and {END}"
            )

    @classmethod
    def made(cls, path: Path, name: str) -> "Place":
        """The place of that name, put at the end of the page if it has none."""
        try:
            return cls(path, name)
        except ValueError:
            page = path.read_text("utf-8").rstrip("\n") + "\n\n" if path.is_file() else ""
            write(path, f"{page}<!-- {name} -->\n{END}\n")
            return cls(path, name)

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"(?<={re.escape(self._begin)}\n).*?(?={re.escape(END)})", re.DOTALL)

    def fill(self, text: str) -> None:
        """Write the page anew with `text` in the place."""
        page = self._path.read_text("utf-8")
        write(self._path, self._pattern.sub(lambda _: f"\n{text}\n\n", page, count=1))


def put(page: Path, name: str, text: str, picture: Path) -> None:
    """Write text and a copy of a picture into the place of that name, made if there is none."""
    page.parent.mkdir(parents=True, exist_ok=True)
    copy = page.parent / PICTURES / f"{name.replace(' ', '-')}.png"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(picture, copy)
    shown = f"![{name}]({os.path.relpath(copy, page.parent)})"
    Place.made(page, name).fill(f"{text}\n\n{shown}")
