"""A figure is kept twice: as PNG in a folder, and as SVG for the page."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from experiments.report.album import Album


def test_figures_are_written_as_they_come(tmp_path: Path) -> None:
    album = Album(tmp_path / "deep" / "report")
    assert not album.folder.exists()
    picture = album.add("one", Figure(), "what it shows", "what to look for", wide=True)
    assert album.files == [tmp_path / "deep" / "report" / "one.png"]
    assert album.files[0].read_bytes().startswith(b"\x89PNG")
    assert (picture.alt, picture.caption, picture.wide) == (
        "what it shows",
        "what to look for",
        True,
    )
    assert picture.svg.startswith("<svg")
    assert "what it shows</title>" in picture.svg


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Album(tmp_path / "file").add("one", Figure(), "alt")
