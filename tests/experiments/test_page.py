from pathlib import Path

import pytest

from experiments.page import Place, put

ROOT = Path(__file__).parents[2]
PAGE = """# A page
<!-- layers on cpu -->
old
<!-- end -->
between
<!-- layers on gpu -->
kept
<!-- end -->
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_only_what_stands_in_the_place_is_replaced(page: Path) -> None:
    for text in (r"new \1 text", "newer"):
        Place(page, "layers on cpu").fill(text)
        assert page.read_text() == PAGE.replace("old\n", f"\n{text}\n\n")


def test_a_page_without_the_place_is_told(page: Path) -> None:
    with pytest.raises(ValueError, match=r"page.md: it has no place .* <!-- memory on cpu --> and"):
        Place(page, "memory on cpu")
    with pytest.raises(ValueError, match="no such file"):
        Place(page.parent / "none.md", "layers on cpu")


def test_a_place_is_made_at_the_end_where_there_is_none(page: Path) -> None:
    for text in ("first", "second"):
        Place.made(page, "new").fill(text)
        assert page.read_text() == f"{PAGE}\n<!-- new -->\n\n{text}\n\n<!-- end -->\n"
    Place.made(page, "layers on cpu").fill("x")
    assert page.read_text().count("<!-- layers on cpu -->") == 1
    Place.made(page.parent / "none.md", "new")
    assert (page.parent / "none.md").read_text() == "<!-- new -->\n<!-- end -->\n"


@pytest.mark.parametrize("bench", ["layers", "training", "memory"])
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_the_guide_has_every_place(bench: str, platform: str) -> None:
    Place(ROOT / "docs" / "benchmarks.md", f"{bench} on {platform}")


def test_each_name_has_its_place_whichever_comes_first(tmp_path: Path) -> None:
    (tmp_path / "rows.png").write_bytes(b"a picture")
    page = tmp_path / "docs" / "results.md"
    for name, text in (("paper modern", "old"), ("paper original", "other"), ("paper modern", "1")):
        put(page, name, text, tmp_path / "rows.png")
    assert page.read_text() == (
        "<!-- paper modern -->\n\n1\n\n![paper modern](results/paper-modern.png)\n\n"
        "<!-- end -->\n\n<!-- paper original -->\n\nother\n\n"
        "![paper original](results/paper-original.png)\n\n<!-- end -->\n"
    )
    for name in ("modern", "original"):
        assert (page.parent / "results" / f"paper-{name}.png").read_bytes() == b"a picture"
