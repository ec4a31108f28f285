"""What lines of metrics tell of the gates is found for the seeds of an arm, and nothing else."""

import json
from pathlib import Path

import numpy as np

from experiments.report.course import courses
from tests.experiments.report.fabricated import arm


def test_each_gate_of_each_cell(tmp_path: Path) -> None:
    found = arm(tmp_path / "a")
    assert courses(found) == []
    path = found.run.path / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = {"layer_0.f_mean": [0.9, None], "layer_1_forward.z_mean": [0.5, 0.75, 1.0]}
    beside = {"layer_0.f_low": [0.1, 0.1], "layer_0.i_mean": [None, None]}
    for number in (2, 5):
        lines[number] |= {**told, **beside}
    found = found._replace(run=found.run._replace(lines=lines))
    first, second = courses(found)
    assert (first.title, second.title) == ("layer 0", "layer 1 forward")
    assert [*first.sequences] == [lines[2]["sequences"], lines[5]["sequences"]]
    assert ([*first.means], [*second.means]) == (["f"], ["z"])
    np.testing.assert_array_equal(first.means["f"], [[0.9, np.nan]] * 2)
    lines[7] |= {"layer_0.f_mean": [None, None]}  # all of this arm have stopped, others have not
    held, _ = courses(found)
    np.testing.assert_array_equal(held.means["f"], [[0.9, np.nan]] * 3)
    np.testing.assert_array_equal(second.means["z"], [[0.5, 0.75]] * 2)
