import io

from rich.console import Console

from experiments.table import Table

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


def test_a_column_of_words_is_flush_left() -> None:
    page = TABLE._replace(words=("of",))
    assert page.markdown().splitlines()[3] == "| --- | ---: | --- |"
    screen = io.StringIO()
    page.print(Console(file=screen, width=100))
    assert screen.getvalue().splitlines()[2:4] == ["one [b]  1.00  x   ", "two        23  –   "]
