"""Parameters before and after training, from a run that is left as it is."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.build import Build, build
from experiments.config import load
from experiments.report.parameters import NoParameters, Trained, drawn


@pytest.fixture
def copy(real_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(real_run, tmp_path / "copy")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_before_is_what_the_seed_draws(parts: Build) -> None:
    key = jax.random.fold_in(jax.random.key(1), 0)  # of seed 1, for initial parameters
    expected = parts.model.init(key)
    found = drawn(parts, 1)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_after_is_what_the_checkpoint_holds(real_run: Path, parts: Build) -> None:
    before = everything(real_run)
    trained = Trained(real_run, parts)
    assert (trained.step, trained.passed_over) == (20, ())
    first, second = trained.member(0), trained.member(1)
    assert first.w_out.shape == (3, 1)
    assert not np.array_equal(first.w_out, second.w_out)
    assert not np.allclose(first.w_out, drawn(parts, 0).w_out, atol=1e-3)
    assert everything(real_run) == before


def test_a_run_may_be_named_from_where_one_stands(
    real_run: Path, parts: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(real_run.parent)
    assert Trained(Path(real_run.name), parts).step == 20


def test_a_damaged_checkpoint_is_passed_over_and_stays(copy: Path, parts: Build) -> None:
    newest = copy / "checkpoints" / "00000020"
    shutil.copytree(newest, copy / "checkpoints" / "00000030")
    before = everything(copy)
    trained = Trained(copy, parts)
    assert trained.step == 20
    (sentence,) = trained.passed_over
    assert sentence.startswith("The checkpoint 00000030 is passed over")
    assert everything(copy) == before


def test_a_save_that_never_ended_is_passed_over(copy: Path, parts: Build) -> None:
    (copy / "checkpoints" / "00000099").mkdir()
    assert Trained(copy, parts).step == 20


def test_without_a_sound_checkpoint_there_are_no_parameters(copy: Path, parts: Build) -> None:
    for path in (copy / "checkpoints").rglob("manifest.json"):
        path.write_text("{}")
    with pytest.raises(NoParameters, match=r"no checkpoint of .* can be trusted"):
        Trained(copy, parts)
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(NoParameters, match="holds no checkpoint"):
        Trained(copy, parts)


def test_the_parameters_of_another_model_are_refused(real_run: Path) -> None:
    other = build(load(real_run / "config.yaml", ["model.hidden_size=4"]))
    with pytest.raises(NoParameters, match=r"holds another model: learnt\.params"):
        Trained(real_run, other)
