"""The table of a sweep: for readers in few characters, for programs in full."""

import csv
import io

import pytest
from rich.console import Console

from experiments.sweep.table import SHARED, as_csv, short, table, width
from tests.experiments.sweep.fabricated import result

RATE, BIAS = "optimizer.learning_rate", "model.bias"
RESULTS = [
    result({RATE: 0.01, BIAS: "chrono"}, [18000, 1200, 35000]),
    result({RATE: 0.001, BIAS: {"name": "forget", "value": 2.0}}, errors=()),
    result({RATE: 0.5, BIAS: "chrono"}, [7], status="diverged", trial="b"),
    result({RATE: 1.0, BIAS: "chrono"}, status="diverged", trial="c"),
    result({RATE: 2.0, BIAS: "chrono"}, status="missing", seconds=None),
]


def test_a_row_for_each_cell() -> None:
    page = table(RESULTS, "Rates")
    assert page.columns == ("learning_rate", "bias", "solved", "sequences", "test error", "time")
    assert page.rows == [
        ("0.01", "chrono", "3/4 (30–95%)", "18,000 [1,200, 35,000]", "0.25", "1 min 15 s"),
        ("0.001", "forget(value=2.0)", "0/4 (0–49%)", "–", "–", "1 min 15 s"),
        ("0.5", "chrono", "1/4 (5–70%)", "7 [7, 7]", "0.25", "1 min 15 s"),
        ("1.0", "chrono", "0/4 (0–49%)", "diverged", "0.25", "1 min 15 s"),
        ("2.0", "chrono", "no result", "–", "–", "–"),
    ]


def test_a_time_that_cells_share_is_told_as_such() -> None:
    assert SHARED in table(RESULTS, "Rates").notes
    assert SHARED not in table(RESULTS[1:3], "Rates").notes


def test_nothing_is_cut_off_in_the_terminal() -> None:
    screen, page = io.StringIO(), table(RESULTS, "Rates")
    page.print(Console(file=screen, width=width(page)))
    assert "forget(value=2.0)" in screen.getvalue()
    assert "…" not in screen.getvalue()


def test_a_program_reads_every_figure() -> None:
    first, *_, last = csv.DictReader(io.StringIO(as_csv(RESULTS)))
    low, high = RESULTS[0].interval
    assert first == {
        RATE: "0.01", BIAS: "chrono", "status": "completed", "seeds": "4", "solved": "3",
        "solved_low": str(low), "solved_high": str(high), "sequences_median": "18000",
        "sequences_min": "1200", "sequences_max": "35000", "test_error_median": "0.25",
        "seconds": "75.0", "trial": "0123456789ab", "variant": "0",
    }  # fmt: skip
    assert (last["status"], last["solved"], last["seconds"]) == ("missing", "", "")
    assert list(csv.DictReader(io.StringIO(as_csv(RESULTS))))[1][BIAS] == (
        "{name: forget, value: 2.0}"
    )


@pytest.mark.parametrize(
    "keys, names",
    [
        (["train.seeds"], ["seeds"]),
        (["a.size", "b.size", "b.rate"], ["a.size", "b.size", "rate"]),
        (["title"], ["title"]),
    ],
)
def test_names_are_as_short_as_they_are_clear(keys: list[str], names: list[str]) -> None:
    assert short(keys) == names
