"""What a run may go on with: every other change of a config is refused, key by key."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from experiments.config import Experiment, dump, load
from experiments.run.resume import NotResumed, check_unchanged, identity, is_longer

CONFIG = """
title: Adding two numbers
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2, bias: {name: forget, value: 1.0}}
optimizer: {name: adam, learning_rate: 0.1}
train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}
variants:
  - {optimizer.learning_rate: 0.2}
  - {optimizer.learning_rate: 0.3, train.first_seed: 7}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "adding.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def run(config: Path, tmp_path: Path) -> Path:
    """A run of `CONFIG`, in so far as it is looked at."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump(load(config)))
    return folder


def refused(run: Path, config: Path, *overrides: str) -> str:
    before = (run / "config.yaml").read_bytes()
    with pytest.raises(NotResumed) as caught:
        check_unchanged(run, load(config, overrides))
    assert (run / "config.yaml").read_bytes() == before
    return str(caught.value)


def test_the_same_config_goes_on(run: Path, config: Path) -> None:
    check_unchanged(run, load(config))
    assert not is_longer(run, load(config))


@pytest.mark.parametrize(
    "override",
    [
        "title=Another",
        "train.log_every=5",
        "output.checkpoint_seconds=1",
        "output.keep_checkpoints=7",
        "published={source: Someone 1999, sequences: 5}",
    ],
)
def test_what_changes_nothing_that_was_learnt_may_change(
    run: Path, config: Path, override: str
) -> None:
    check_unchanged(run, load(config, [override]))


@pytest.mark.parametrize(
    "override, change",
    [
        ("optimizer.learning_rate=0.2", "optimizer.learning_rate was 0.1 and is 0.2"),
        ("optimizer.b1=0.5", "optimizer.b1 was 0.9 and is 0.5"),
        ("model.hidden_size=3", "model.hidden_size was 2 and is 3"),
        ("model.bias.value=2.0", "model.bias.value was 1.0 and is 2.0"),
        ("model.dropout=0.1", "model.dropout was 0.0 and is 0.1"),
        ("train.batch_size=2", "train.batch_size was 4 and is 2"),
        ("train.seeds=3", "train.seeds was 2 and is 3"),
        ("train.first_seed=1", "train.first_seed was 0 and is 1"),
        ("train.shares=2", "train.shares was 1 and is 2"),
        ("train.side_by_side=1", "train.side_by_side was None and is 1"),
        ("train.on_nonfinite=skip", "train.on_nonfinite was stop and is skip"),
        ("train.evaluate_every=8", "train.evaluate_every was None and is 8"),
        ("task.length=21", "task.length was 20 and is 21"),
    ],
)
def test_what_was_learnt_with_may_not_change(
    run: Path, config: Path, override: str, change: str
) -> None:
    assert refused(run, config, override) == (
        f"{run} cannot go on with another config: {change}; "
        "name another directory with --out to begin anew"
    )


def test_where_bad_steps_roll_back_to_a_line_lines_may_not_come_at_other_steps(
    run: Path, config: Path
) -> None:
    rollback = "train.on_nonfinite=rollback"
    (run / "config.yaml").write_text(dump(load(config, [rollback])))
    said = refused(run, config, rollback, "train.log_every=5")
    assert "train.log_every was 4 and is 5; " in said


@pytest.mark.parametrize(
    "override, same",
    [
        ("title=Another", True),
        ("output.keep_checkpoints=7", True),
        ("train.log_every=5", True),
        ("train.max_sequences=44", True),
        ("train.seeds=3", False),
        ("optimizer.learning_rate=0.4", False),
        ("task.length=21", False),
    ],
)
def test_a_checkpoint_knows_its_run_by_what_may_not_change(
    config: Path, override: str, same: bool
) -> None:
    assert (identity(load(config)) == identity(load(config, [override]))) == same


def test_every_key_that_differs_is_named(run: Path, config: Path) -> None:
    said = refused(run, config, "train.seeds=3", "model.hidden_size=3", "title=x", "optimizer.b1=0")
    found = [change.partition(" was")[0] for change in said.partition(": ")[2].split("; ")[:-1]]
    assert sorted(found) == ["model.hidden_size", "optimizer.b1", "train.seeds"]


def test_another_class_brings_other_keys(run: Path, config: Path) -> None:
    config.write_text(CONFIG.replace("name: adam", "name: sgd").replace("cell: lstm", "cell: gru"))
    config.write_text(config.read_text().replace(", bias: {name: forget, value: 1.0}", ""))
    said = refused(run, config)
    assert "optimizer.name was adam and is sgd" in said
    assert "optimizer.b1 was 0.9 and is absent" in said
    assert "optimizer.momentum was absent and is 0.0" in said
    assert "model.cell was lstm and is gru" in said


@pytest.mark.parametrize(
    "old, new",
    [("0.3,", "0.4,"), ("  - {optimizer.learning_rate: 0.2}\n", "")],
    ids=["another", "one less"],
)
def test_variants_may_not_change(run: Path, config: Path, old: str, new: str) -> None:
    config.write_text(CONFIG.replace(old, new))
    assert "variants was [" in refused(run, config)


def longer(config: Path, **optimizer: Any) -> Experiment:
    found = load(config, ["train.max_sequences=44"])
    changed = dataclasses.replace(found.optimizer, **optimizer)
    return dataclasses.replace(found, optimizer=changed)


def test_a_run_may_grow_longer(run: Path, config: Path) -> None:
    check_unchanged(run, longer(config))
    assert is_longer(run, longer(config))


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_run_whose_learning_rate_depends_on_its_length_may_not(
    run: Path, config: Path, schedule: str
) -> None:
    (run / "config.yaml").write_text(dump(load(config, [f"optimizer.schedule={schedule}"])))
    said = refused(run, config, f"optimizer.schedule={schedule}", "train.max_sequences=44")
    change = "train.max_sequences was 40 and is 44"
    assert f"{change}, on which a {schedule} schedule depends; " in said


def test_a_run_may_not_grow_shorter(run: Path, config: Path) -> None:
    said = refused(run, config, "train.max_sequences=36")
    assert "train.max_sequences was 40 and is 36, and may only grow; " in said
    assert not is_longer(run, load(config, ["train.max_sequences=36"]))


def test_what_is_no_run(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    sentence = "mine holds no run that could go on: it has no config.yaml$"
    with pytest.raises(NotResumed, match=sentence):
        check_unchanged(tmp_path / "mine", load(config))
