"""A run with its curriculum: each stage goes on from the one before, and nothing is done twice."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from rich.console import Console

from experiments.build import build, build_model, build_task
from experiments.config import Experiment, load
from experiments.run.curriculum import run_all
from experiments.run.run import BadInput
from experiments.trained import Trained

CONFIG = """\
task: {name: adding, variant: hochreiter1997, length: 30}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: adam, learning_rate: 0.1}
train: {batch_size: 4, max_sequences: 8, log_every: 2, seeds: 2}
curriculum:
  - {task.length: 20, train.max_sequences: 16}
  - {train.max_sequences: 24, optimizer.learning_rate: 0.05}
"""


def read(folder: Path, text: str = CONFIG) -> Experiment:
    (folder / "given.yaml").write_text(text)
    return load(folder / "given.yaml")


def play(experiment: Experiment, out: Path, resume: bool = False) -> tuple[str, str]:
    """The status, and what was said."""
    console = Console(file=io.StringIO(), width=200)
    status = run_all(experiment, out, console, began=None, resume=resume)
    return status, console.file.getvalue()  # type: ignore[attr-defined]


def learnt(run: Path) -> Trained:
    experiment = load(run / "config.yaml")
    model = build_model(experiment.model, build_task(experiment))
    return Trained(run, model, len(experiment.labels))


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run with two stages, and what it said."""
    folder = tmp_path_factory.mktemp("curriculum")
    status, said = play(read(folder), folder / "run")
    assert status == "completed"
    return folder / "run", said


def test_every_stage_is_a_run_of_its_own(done: tuple[Path, str]) -> None:
    out, said = done
    runs = [out / "curriculum" / "1", out / "curriculum" / "2", out]
    assert [load(run / "config.yaml").task.length for run in runs] == [20, 30, 30]  # type: ignore[union-attr]
    assert [summary(run)["step"] for run in runs] == [4, 6, 2]
    assert [summary(run)["sequences_before"] for run in runs] == [[0, 0], [16, 16], [40, 40]]
    titles = [line.strip("─ ") for line in said.splitlines() if line.startswith("─")]
    assert titles == [
        "stage 1 of 2: task.length=20, train.max_sequences=16",
        "stage 2 of 2: train.max_sequences=24, optimizer.learning_rate=0.05",
        "after 2 stages",
    ]
    assert "; 40 before, in what the parameters come from" in said


def test_each_begins_with_what_the_one_before_had_learnt(done: tuple[Path, str]) -> None:
    out, _ = done
    first, second = out / "curriculum" / "1", out / "curriculum" / "2"
    states = build(load(second / "config.yaml"), after=first).program.start()
    for place in (0, 1):
        (lane,) = np.flatnonzero(np.asarray(states.member.place) == place)
        began = jax.tree.map(lambda leaf, at=lane: leaf[at], states.learnt.params)
        assert jax.tree.all(jax.tree.map(np.array_equal, began, learnt(first).member(place)))
        assert not np.array_equal(began.w_out, learnt(second).member(place).w_out)


def test_the_time_is_that_of_all(done: tuple[Path, str]) -> None:
    out, _ = done
    runs = [out / "curriculum" / "1", out / "curriculum" / "2", out]
    one, two, whole = (summary(run)["times"] for run in runs)
    assert one["wall_seconds"] < two["wall_seconds"] < whole["wall_seconds"]
    assert whole["seconds_to_first_step"] < whole["wall_seconds"] - two["wall_seconds"]


def test_nothing_is_done_twice(done: tuple[Path, str], tmp_path: Path) -> None:
    out = shutil.copytree(done[0], tmp_path / "run")
    experiment = read(tmp_path)
    with pytest.raises(BadInput, match="exists and is not an empty folder"):
        play(experiment, out)
    status, said = play(experiment, out, resume=True)
    assert (status, said.count("nothing is left to do"), "stage" in said) == ("completed", 1, False)


def test_a_run_that_had_not_come_to_the_config_goes_on(
    done: tuple[Path, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(done[0] / "curriculum", out / "curriculum")
    with pytest.raises(BadInput, match=r"curriculum.1 exists and is not an empty folder"):
        play(read(tmp_path), out)
    status, said = play(read(tmp_path), out, resume=True)
    assert (status, said.count("nothing is left to do")) == ("completed", 2)
    assert (out / "metrics.jsonl").read_bytes() == (done[0] / "metrics.jsonl").read_bytes()
    assert (
        summary(out)["times"]["wall_seconds"]
        > summary(out / "curriculum" / "2")["times"]["wall_seconds"]
    )


def test_a_changed_curriculum_is_another_run(done: tuple[Path, str], tmp_path: Path) -> None:
    out = shutil.copytree(done[0], tmp_path / "run")
    with pytest.raises(BadInput, match=r"cannot go on with another config: curriculum was"):
        play(read(tmp_path, CONFIG.replace("0.05", "0.06")), out, resume=True)


def test_stages_that_do_not_fit_are_refused_before_the_first(tmp_path: Path) -> None:
    other = CONFIG.replace("optimizer.learning_rate: 0.05", "model.hidden_size: 3")
    with pytest.raises(BadInput, match=r"stage 2 of the curriculum has another model: .*w_out is"):
        play(read(tmp_path, other), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("others", "lacks"),
    [("train.seeds: 1", "stage 2 .* no seed_1"), ("train.first_seed: 1", "stage 1 .* no seed_2")],
)
def test_a_stage_without_a_seed_that_comes_after_is_refused_before_the_first(
    tmp_path: Path, others: str, lacks: str
) -> None:
    text = CONFIG.replace("optimizer.learning_rate: 0.05", others)
    with pytest.raises(BadInput, match=rf"{lacks}, which what comes after it has"):
        play(read(tmp_path, text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_variants_go_through_all_stages(tmp_path: Path) -> None:
    text = CONFIG.replace("  - {train.max_sequences: 24, optimizer.learning_rate: 0.05}\n", "")
    rates = "variants: [{optimizer.learning_rate: 0.1}, {optimizer.learning_rate: 0.2}]\n"
    status, _ = play(read(tmp_path, text + rates), tmp_path / "run")
    assert status == "completed"
    stage = tmp_path / "run" / "curriculum" / "1"
    assert summary(stage)["members"] == summary(tmp_path / "run")["members"]
    assert summary(tmp_path / "run")["sequences_before"] == [16] * 4
