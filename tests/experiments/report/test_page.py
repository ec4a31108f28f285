"""A page escapes what it is given, and needs nothing but itself."""

import re
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from experiments.report.page import (
    Block,
    Code,
    Heading,
    Page,
    Picture,
    Section,
    Table,
    Text,
    render,
)

EVIL = "<script>alert('x')</script>\" onload=\"alert(1)"


class Reader(HTMLParser):
    """Gathers tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> Page:
    blocks: list[Block] = [
        Text(text),
        Heading(text),
        Picture(Markup("<svg></svg>"), text, text, wide=True),
        Table(text, (text, text), [(text, text)], (text,), best=0),
        Code(text, text),
        Code(text, text, folded=True),
    ]
    return Page(text, text, [text], [(text, text)], [text], [Section("a", text, blocks)], text)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_whatever_it_is_given_is_shown_as_text() -> None:
    plain, evil = read(render(page_of("plain"))), read(render(page_of(EVIL)))
    assert evil.tags == plain.tags
    assert [name for name, _ in evil.attributes] == [name for name, _ in plain.attributes]
    assert evil.text.count(EVIL) == plain.text.count("plain")
    assert "script" not in evil.tags


def test_it_asks_for_nothing_from_elsewhere() -> None:
    html = render(page_of("plain"))
    attributes = read(html).attributes
    links = [value for name, value in attributes if name in ("src", "href")]
    assert all(value is not None and value.startswith(("#", "data:")) for value in links)
    assert not re.search(r"@import|url\((?!#)", html)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in attributes


def test_it_is_read_in_order_by_those_who_do_not_see_it() -> None:
    html = render(page_of("plain"))
    tags = read(html).tags
    assert (tags.count("h1"), tags.count("main"), tags.count("caption")) == (1, 1, 1)
    assert [tag for tag in tags if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h2", "h3", "h3"]
    attributes = dict(read(html).attributes)
    assert attributes["lang"] == "en"
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', html)) <= set(ids)


@pytest.mark.parametrize("scheme", ["prefers-color-scheme: dark", "color-scheme: light dark"])
def test_it_has_a_dark_side(scheme: str) -> None:
    assert scheme in render(page_of("plain"))
