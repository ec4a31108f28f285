"""One family of figures: fit for a page, light or dark, and for a slide."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from experiments.report.figures.style import (
    BLUE,
    COLOURS,
    INK,
    as_png,
    as_svg,
    colours,
    level,
    log_values,
    new_figure,
    power_of_ten,
    styled,
    thousands,
)

SVG = "{http://www.w3.org/2000/svg}"


@styled()
def figure_of(title: str) -> Figure:
    figure = new_figure(4, 3)
    axes = figure.add_subplot()
    axes.plot([1, 2], [3, 4], color=BLUE, label="x")
    axes.imshow([[0.1, 0.2], [0.3, 0.4]])
    axes.set_title(title)
    return figure


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def test_colours_are_variables_of_the_page() -> None:
    svg = as_svg(figure_of("t"), "one", "alt")
    assert "var(--blue)" in svg
    assert "var(--ink)" in svg
    drawn = "".join(re.findall(r"<[^>]+>", re.sub(r"data:[^\"]+", "", svg)))
    assert not [colour for colour in COLOURS.values() if colour.lower() in drawn.lower()]


def test_the_page_knows_every_colour() -> None:
    css = (Path("experiments/report/templates/style.css")).read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")[:2]
    for name in COLOURS:
        assert f"--{name}:" in light
        assert f"--{name}:" in dark.partition("* {")[0]


def test_two_figures_share_no_id() -> None:
    found = [
        set(re.findall(r'\bid="([^"]+)"', as_svg(figure_of("t"), name, "alt")))
        for name in ("one", "two")
    ]
    assert found[0]
    assert not found[0] & found[1]


def test_ids_that_are_used_are_there() -> None:
    svg = as_svg(figure_of("t"), "one", "alt")
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
    assert used
    assert {one or other for one, other in used} <= ids


@pytest.mark.parametrize(
    "evil",
    ['<script>alert("x")</script>', '" onload="alert(1)', "$x^2$ & ]]> -->", 'id="a" #0072B2'],
)
def test_names_are_text_in_a_figure_too(evil: str) -> None:
    root = parsed(as_svg(figure_of(evil), "one", evil))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert evil in texts
    assert [element.text for element in root.iter(f"{SVG}title")] == [evil]
    assert not list(root.iter(f"{SVG}script"))


def test_characters_that_the_font_lacks_are_no_warning(tmp_path: Path) -> None:
    as_png(figure_of("漢字"), tmp_path / "a.png")
    assert "漢字" in as_svg(figure_of("漢字"), "one", "alt")


def test_a_figure_is_scaled_and_never_cut() -> None:
    root = parsed(as_svg(figure_of("t"), "one", "alt"))
    assert root.get("viewBox") == "0 0 288 216"
    assert root.get("width") is None
    assert "max-width" in (root.get("style") or "")
    assert root.get("role") == "img"


def test_it_is_the_same_every_time() -> None:
    assert as_svg(figure_of("t"), "one", "alt") == as_svg(figure_of("t"), "one", "alt")


def test_series_that_cannot_be_told_apart_are_alike() -> None:
    assert len(set(colours(6))) == 6
    assert set(colours(7)) == {BLUE}
    assert INK not in colours(6)


def test_numbers_on_axes_are_read_as_numbers() -> None:
    with styled():
        figure = new_figure(4, 3)
        axes = figure.add_subplot()
        axes.plot([0, 40_000], [1e-3, 1e-1])
        log_values(axes)
        thousands(axes)
        level(axes, 0.01, "solved below")
        figure.canvas.draw()
    assert "0.01" in [text.get_text() for text in axes.get_yticklabels()]
    assert "20,000" in [text.get_text() for text in axes.get_xticklabels()]
    assert [text.get_text() for text in axes.texts] == ["solved below"]
    assert [power_of_ten(10.0**n) for n in (-3, 0, 2)] == ["10⁻³", "1", "10²"]
