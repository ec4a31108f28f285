"""A run goes on with the config that it began with, or not at all."""

from pathlib import Path

import pytest

from tests.reliability.runs import (
    complete,
    copy,
    interrupted,
    result,
    resume,
    tree_hash,
    write_config,
)

REFUSED = {
    "optimizer.learning_rate": "optimizer.learning_rate=2e-2",
    "model.hidden_size": "model.hidden_size=9",
    "train.batch_size": "train.batch_size=16",
    "train.seeds": "train.seeds=6",
    "train.first_seed": "train.first_seed=1",
    "task.length": "task.length=21",
    "model.cell": "model.cell=peephole_lstm",
    "train.on_nonfinite": "train.on_nonfinite=skip",
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A config and a run of it that was killed."""
    folder = tmp_path_factory.mktemp("changes")
    config = write_config("adding", folder)
    interrupted(config, folder / "begun", checkpoints=1)
    return config, folder / "begun"


@pytest.mark.short(3)
@pytest.mark.parametrize("keys", [*([key] for key in REFUSED), list(REFUSED)[:3]], ids=", ".join)
def test_another_config_is_refused(begun: tuple[Path, Path], keys: list[str]) -> None:
    config, run = begun
    before = tree_hash(run)
    ended = resume(config, run, *(REFUSED[key] for key in keys)).wait()
    assert ended.status == 2, ended.said
    assert all(key in ended.stderr for key in keys)
    assert not any(key in ended.stderr for key in REFUSED.keys() - set(keys))
    assert "Traceback" not in ended.said
    assert tree_hash(run) == before


def test_what_may_change_may_change(begun: tuple[Path, Path], tmp_path: Path) -> None:
    config, run = begun
    changed = ["title=Another", "output.keep_checkpoints=2", "train.max_sequences=64000"]
    complete(config, tmp_path / "straight", *changed)
    complete(config, copy(run, tmp_path / "run"), *changed)
    straight, resumed = result(tmp_path / "straight"), result(tmp_path / "run")
    assert resumed.leaves == straight.leaves
    assert resumed.metrics == straight.metrics
