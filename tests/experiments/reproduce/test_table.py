"""The table of a recipe, its summary and its figures in full."""

import csv
import io

from experiments.reproduce.table import SHARED, as_csv, paper, summarised, table
from tests.experiments.reproduce.fabricated import row

ROWS = [
    row("2c", [90, 100, 110, 100], paper=400),
    row("adding", [300], paper=200, rate=0.75, errors=(0.0001234,), trial="another"),
    row("Reber", error=0.1, status="missing", seconds=None, trial="third"),
]


def test_the_table_has_a_line_for_each_row() -> None:
    page = table(ROWS, "A title", ("In sum.",))
    assert list(page.rows) == [
        ("2c", "400", "4/4 (51–100%)", "100 [87, 113]", "4.00", "0.25", "1 min 15 s", "reached"),
        ("adding", "75%, 200", "1/4 (5–70%)", "300", "0.667", "0.000123", "1 min 15 s",
         "1/4 solved; 1.50× as many sequences"),
        ("Reber", "error 0.1", "–", "–", "–", "–", "–", "no result"),
    ]  # fmt: skip
    assert len(page.columns) == 8
    assert page.notes[0] == "In sum."
    assert SHARED not in page.notes[-1]
    assert page.markdown().splitlines()[3].endswith("| ---: | --- |")


def test_rows_of_one_program_are_told() -> None:
    page = table([ROWS[0], row("its twin")], "", ())
    assert page.notes[-1].endswith(SHARED)


def test_a_row_of_which_nothing_is_published() -> None:
    assert paper(row()) == "–"


def test_the_summary_counts_rows_and_takes_the_geometric_mean() -> None:
    assert summarised(ROWS) == (
        "Every seed solved 1 of 3 rows (33%); 1 of 3 rows (33%) reach the paper; the geometric "
        "mean of paper/ours is 1.63, over 2 rows."
    )
    assert summarised(ROWS[2:]) == (
        "Every seed solved 0 of 1 row (0%); 0 of 1 row (0%) reach the paper."
    )


def test_the_csv_has_every_figure_in_full() -> None:
    first, second, third = csv.DictReader(io.StringIO(as_csv(ROWS)))
    assert first["row"] == "2c"
    assert first["sequences_of_seeds_that_solved"] == "90 100 110 100"
    assert float(first["sequences_mean_low_95"]) < 87.1
    assert (first["paper_solve_rate"], first["paper_sequences"]) == ("", "400")
    assert float(second["paper_over_our_sequences"]) == 200 / 300
    assert (second["test_error_median"], second["test_error_unit"]) == (
        "0.0001234",
        "mean absolute error",
    )
    assert (second["sequences_mean_low_95"], second["falls_short"]) == ("", "True")
    empty = {key for key, value in third.items() if not value}
    assert empty >= {"solve_rate", "seeds_solved", "sequences_mean", "wall_seconds"}
    assert (third["status"], third["verdict"]) == ("missing", "no result")
