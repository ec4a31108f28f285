"""A Markdown page with a place for the tables of each benchmark, by the kind of device.

<!-- layers on cpu -->
whatever stands here is replaced
<!-- end -->
"""

import re
from pathlib import Path

from experiments.files import write

END = "<!-- end -->"


class Place:
    """Where on a page the tables of a benchmark stand."""

    def __init__(self, path: Path, bench: str, platform: str) -> None:
        """ValueError where the file is not there or has no such place."""
        begin = f"<!-- {bench} on {platform} -->"
        self._path = path
        self._pattern = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(END)})", re.DOTALL)
        if not path.is_file():
            raise ValueError(f"--markdown {path}: there is no such file")
        if not self._pattern.search(path.read_text("utf-8")):
            raise ValueError(
                f"--markdown {path}: it has no place for the tables, which are two lines of their "
                f"own, {begin} and {END}"
            )

    def fill(self, text: str) -> None:
        """Write the page anew with `text` in the place."""
        page = self._path.read_text("utf-8")
        write(self._path, self._pattern.sub(lambda _: f"\n{text}\n\n", page, count=1))
