"""The climb: what is tried, in which order, and what is left out."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from experiments.frontier.climb import climb
from experiments.frontier.study import Study
from experiments.sweep.work import Means


@pytest.mark.usefixtures("stand_in")
def test_a_model_goes_on_to_the_lag_that_it_does_not_solve(study: Study, tmp_path: Path) -> None:
    said = io.StringIO()
    found = climb(study, tmp_path / "out", Means(workers=2), "again", Console(file=said, width=300))
    reach = {
        model: {
            task: max(s.lag for s in found.best if (s.task, s.model) == (task, model))
            for task in study.keys
        }
        for model in study.models
    }
    assert reach == {
        "Elman": {"adding": 30, "temporal_order": 30},
        "GRU": {"adding": 100, "temporal_order": 30},
        "LSTM, forget bias 1": {"adding": 20, "temporal_order": 20},
        "LSTM, chrono": {"adding": 100, "temporal_order": 30},
    }
    assert (found.failed, found.stopped) == (False, None)
    lines = [line for line in said.getvalue().splitlines() if "cells" in line]
    assert [line.partition(";")[0] for line in lines] == [
        "adding length 20 (4 models), temporal_order length 20 (4 models): 16 cells, 0 done",
        "adding length 30 (3 models), temporal_order length 30 (3 models): 28 cells, 16 done",
        "adding length 100 (2 models): 32 cells, 28 done",
    ]
    runs = len(list((tmp_path / "out").glob("trials/*/attempts")))
    assert list(found.programs.values()) == [12.5] * runs == [12.5] * (6 + 6 + 2)
