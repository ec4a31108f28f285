"""A study's section of a page: made once, replaced afterwards, all else left as it is."""

from pathlib import Path

import pytest

from experiments.frontier.page import write_section


@pytest.mark.parametrize("before", [None, "# Results\n\ntext\n"])
def test_the_section_is_made_and_then_replaced(tmp_path: Path, before: str | None) -> None:
    page = tmp_path / "results.md"
    if before is not None:
        page.write_text(before)
    write_section(page, "lag", "first")
    write_section(page, "other", "kept")
    write_section(page, "lag", r"second \1")
    head = f"{before}\n" if before else ""
    assert page.read_text() == (
        f"{head}<!-- frontier lag -->\n\nsecond \\1\n\n<!-- end -->\n\n"
        "<!-- frontier other -->\n\nkept\n\n<!-- end -->\n"
    )
