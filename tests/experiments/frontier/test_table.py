"""The tables of a study: what stands in a field, the frontier, and all figures for a program."""

import csv
import io
from collections.abc import Mapping

from experiments.frontier.study import Spot, Study
from experiments.frontier.table import NOTE, as_csv, frontier_of, tables
from experiments.sweep.results import Result
from tests.experiments.sweep.fabricated import result


def test_a_row_for_each_model_and_a_column_for_each_lag(
    study: Study, best: Mapping[Spot, Result]
) -> None:
    adding, order = tables(study, best)
    assert (adding.title, order.title) == ("Adding, lag: length", "Temporal order, lag: length")
    assert adding.columns == ("model", "20", "30", "100", "frontier")
    assert adding.rows == [
        ("Elman", "0/4", "not run", "not run", "–"),
        ("GRU", "3/4 300", "0/4", "not run", "20"),
        ("LSTM, forget bias 1", "2/4 55", "1/4 7", "not run", "20"),
        ("LSTM, chrono", "4/4 25", "4/4 25", "2/4 11,500", "100"),
    ]
    assert order.columns == ("model", "20", "30", "frontier")
    assert adding.notes == ()
    assert order.notes == (
        NOTE,
        "Each field is the better of learning_rate 0.1 or 0.01.",
        "95% Wilson intervals: 0/4 0–49%, 1/4 5–70%, 2/4 15–85%, 3/4 30–95%, 4/4 51–100%.",
    )


def test_a_failed_trial_is_no_result(study: Study, best: Mapping[Spot, Result]) -> None:
    spot = Spot("adding", 30, "GRU")
    missing = {**best, spot: result(best[spot].values, status="missing", seconds=None)}
    assert tables(study, missing)[0].rows[1] == ("GRU", "3/4 300", "no result", "not run", "20")


def test_the_frontier_is_the_longest_lag_that_half_of_the_seeds_solved() -> None:
    found = {
        Spot("adding", lag, "GRU"): result({}, range(solved), seeds=5)
        for lag, solved in {10: 5, 20: 2, 30: 3, 100: 2}.items()
    }
    assert frontier_of(found, "adding", "GRU") == 30
    assert frontier_of(found, "copying", "GRU") is None


def test_a_program_reads_every_figure(study: Study, best: Mapping[Spot, Result]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(study, best))))
    assert len(rows) == len(best)
    assert [row["model"] for row in rows[:3]] == ["Elman", "GRU", "GRU"]
    (row,) = [r for r in rows if (r["task"], r["lag"], r["model"]) == ("adding", "20", "GRU")]
    assert (row["solved"], row["sequences_median"], row["sequences_max"]) == ("3", "300", "900")
    assert (row["frontier"], row["learning_rate"], row["seconds"]) == ("20", "0.01", "75.0")
