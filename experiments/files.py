"""Files that are written whole or not at all."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; it is on disk before it takes the place of another."""
    partial = path.with_suffix(path.suffix + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
