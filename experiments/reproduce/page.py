"""The tables and pictures of a study on a Markdown page, a place to each recipe.

Each recipe has its own, so that those that are not trained together stand side by side.
"""

import os.path
import shutil
from pathlib import Path

from experiments.page import Place

FOLDER = "results"
"""Of the pictures, beside the page."""


def put(page: Path, study: str, recipe: str, text: str, picture: Path) -> None:
    """Write a table and a copy of its picture into their place, at the end if there is none."""
    page.parent.mkdir(parents=True, exist_ok=True)
    copy = page.parent / FOLDER / f"{study}-{recipe}.png"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(picture, copy)
    shown = f"![{study}, {recipe}]({os.path.relpath(copy, page.parent)})"
    Place.made(page, f"{study} {recipe}").fill(f"{text}\n\n{shown}")
