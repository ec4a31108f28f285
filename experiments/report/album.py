"""The figures of a report: into its page as SVG, and beside it as PNG."""

from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from experiments.report.figures.style import as_png, as_svg
from experiments.report.page import Picture


class Album:
    """Takes figures as they are drawn; the folder is made for the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []

    def add(
        self, name: str, figure: Figure, alt: str, caption: str = "", wide: bool = False
    ) -> Picture:
        """Keep a figure under a name that no other has, and give what a page shows of it.

        `alt` says what is seen for those who do not see it; the caption what to look for.
        Raises OSError where the PNG cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.png"
        as_png(figure, path)
        self.files.append(path)
        return Picture(Markup(as_svg(figure, name, alt)), alt, caption, wide)
