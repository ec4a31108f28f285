"""What a run cost and how to repeat it, as its directory tells."""

from pathlib import Path

from experiments.build import Build
from experiments.report.page import Code, Table, Text
from experiments.report.reading import read_run
from experiments.report.sections.making import (
    MAX_SAMPLE,
    command,
    cost,
    making,
    sample,
    step_memory,
)
from tests.experiments.report.fabricated import write_run


def test_costs_are_those_that_are_known(tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / name)) for name in "ab"]
    (runs[1].path / "timings.jsonl").write_text("")
    (runs[1].path / "summary.json").write_text("{}")
    (runs[1].path / "environment.json").unlink()
    runs[1] = read_run(runs[1].path)
    (table,) = cost(runs, ["a", "b"], {"a": 2**21}).blocks
    assert isinstance(table, Table)
    assert list(table.rows) == [
        ("a", "64", "1 min 15 s", "2 s", "155", "2 MiB", "1 × cpu"),
        ("b", "–", "–", "–", "–", "–", "–"),
    ]


def test_memory_is_that_of_the_compiled_step(parts: Build) -> None:
    found = step_memory(parts)
    assert found is not None
    parameters = parts.parameters * 4 * len(parts.labels)
    assert 3 * parameters < found < 100_000_000  # with the moments of Adam


def test_a_run_can_be_repeated(tmp_path: Path) -> None:
    resumes = [
        {"step": 7, "time": "now", "last_bits_may_differ": None},
        {"step": 9, "time": "later", "last_bits_may_differ": "jax was 1 and is 2"},
    ]
    run = read_run(write_run(tmp_path / "a", resumes=resumes))
    first, table, one, two, config = making([run], ["a"]).blocks
    assert first == Code("Command", "python -m experiments run 'a b.yaml'")
    assert isinstance(table, Table)
    assert ("commit", "0123abc") in table.rows
    assert one == Text("Resumed at step 7, now.")
    assert two == Text("Resumed at step 9, later; last bits may differ: jax was 1 and is 2.")
    assert isinstance(config, Code)
    assert config.folded
    assert config.text == (run.path / "config.yaml").read_text()


def test_of_a_foreign_directory_nothing_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    assert making([read_run(tmp_path)], ["a"]).blocks == []


def test_what_a_model_wrote_is_shown_in_part(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a"))
    assert sample(run) == []
    (run.path / "sample.txt").write_bytes(b"\xff" + b"<b>" * MAX_SAMPLE)
    (shown,) = sample(run)
    assert isinstance(shown, Code)
    assert len(shown.text) == MAX_SAMPLE
    assert command(["python3", "-m", "experiments", "list"]) == "python -m experiments list"
