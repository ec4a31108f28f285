"""What a run has learnt, from a directory that is left as it is."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.build import Build, build
from experiments.config import load
from experiments.trained import NoParameters, Trained


@pytest.fixture
def copy(real_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(real_run, tmp_path / "copy")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read(run: Path, parts: Build) -> Trained:
    return Trained(run, parts.model, len(parts.labels))


def test_it_is_what_the_checkpoint_holds(real_run: Path, parts: Build) -> None:
    before = everything(real_run)
    trained = read(real_run, parts)
    assert (trained.step, trained.passed_over) == (20, ())
    first, second = trained.member(0), trained.member(1)
    assert first.w_out.shape == (3, 1)
    assert not np.array_equal(first.w_out, second.w_out)
    key = jax.random.fold_in(jax.random.key(0), 0)  # of seed 0, for initial parameters
    assert not np.allclose(first.w_out, parts.model.init(key).w_out, atol=1e-3)
    assert everything(real_run) == before


def test_a_run_may_be_named_from_where_one_stands(
    real_run: Path, parts: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(real_run.parent)
    assert read(Path(real_run.name), parts).step == 20


def test_a_damaged_checkpoint_is_passed_over_and_stays(copy: Path, parts: Build) -> None:
    newest = copy / "checkpoints" / "00000020"
    shutil.copytree(newest, copy / "checkpoints" / "00000030")
    before = everything(copy)
    trained = read(copy, parts)
    assert trained.step == 20
    (sentence,) = trained.passed_over
    assert sentence.startswith("The checkpoint 00000030 is passed over")
    assert everything(copy) == before


def test_a_save_that_never_ended_is_passed_over(copy: Path, parts: Build) -> None:
    (copy / "checkpoints" / "00000099").mkdir()
    assert read(copy, parts).step == 20


def test_without_a_sound_checkpoint_there_are_no_parameters(copy: Path, parts: Build) -> None:
    for path in (copy / "checkpoints").rglob("manifest.json"):
        path.write_text("{}")
    with pytest.raises(NoParameters, match=r"no checkpoint of .* can be trusted"):
        read(copy, parts)
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(NoParameters, match="holds no checkpoint"):
        read(copy, parts)


def test_the_parameters_of_another_model_are_refused(real_run: Path) -> None:
    other = build(load(real_run / "config.yaml", ["model.hidden_size=4"]))
    with pytest.raises(NoParameters, match=r"holds another model: learnt\.params"):
        read(real_run, other)
