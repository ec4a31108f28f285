import io

import pytest
from rich.console import Console

from experiments.bench.table import Table, digits, milliseconds
from experiments.bench.timing import Timing

TABLE = Table(
    "A [title]", ("", "ms", "of"), [("one [b]", "1.00", "x"), ("two", "23", "–")], ("Note.",)
)


def test_in_the_terminal() -> None:
    screen = io.StringIO()
    TABLE.print(Console(file=screen, width=100))
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert lines == [
        "A [title]",
        "           ms  of",
        "one [b]  1.00   x",
        "two        23   –",
        "Note.",
        "",
    ]


def test_as_markdown() -> None:
    assert TABLE.markdown().splitlines() == [
        "#### A [title]",
        "",
        "|  | ms | of |",
        "| --- | ---: | ---: |",
        "| one [b] | 1.00 | x |",
        "| two | 23 | – |",
        "",
        "Note.",
    ]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (0.000123456, "0.000123"),
        (0.0996, "0.0996"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (99.96, "100"),
        (99.94, "99.9"),
        (1234.5, "1,234"),
    ],
)
def test_three_digits(value: float, text: str) -> None:
    assert digits(value) == text


def test_the_spread_is_half_the_distance_of_the_quartiles() -> None:
    assert milliseconds(Timing((0.010, 0.008, 0.012, 0.009, 0.011))) == "10.0 ±10%"
