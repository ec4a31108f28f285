from pathlib import Path

import pytest

from experiments.reproduce.page import put


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "rows.png"
    path.write_bytes(b"a picture")
    return path


def test_each_recipe_has_its_place_whichever_comes_first(tmp_path: Path, picture: Path) -> None:
    page = tmp_path / "docs" / "results.md"
    put(page, "paper1997", "modern", "old", picture)
    put(page, "paper1997", "original", "other", picture)
    put(page, "paper1997", "modern", "new", picture)
    assert page.read_text() == (
        "<!-- paper1997 modern -->\n\nnew\n\n"
        "![paper1997, modern](results/paper1997-modern.png)\n\n<!-- end -->\n\n"
        "<!-- paper1997 original -->\n\nother\n\n"
        "![paper1997, original](results/paper1997-original.png)\n\n<!-- end -->\n"
    )
    for name in ("modern", "original"):
        copy = page.parent / "results" / f"paper1997-{name}.png"
        assert copy.read_bytes() == b"a picture"
