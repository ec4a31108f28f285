"""Members that begin with what another run has learnt."""

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from experiments.build import Build, build, check
from experiments.config import Experiment, load
from experiments.trained import Trained

LONGER = ["task.length=40", "train.max_sequences=8"]


def after(run: Path, *changes: str) -> Experiment:
    return load(run / "config.yaml", [*LONGER, f"model.pretrained={run}", *changes])


def begun(parts: Build) -> dict[int, Any]:
    """The parameters at the start, by seed."""
    states = parts.program.start()
    here = np.flatnonzero(np.asarray(states.member.place) >= 0).tolist()

    def of(lane: int) -> Any:
        return jax.tree.map(lambda a: a[lane], states.learnt.params)

    return {int(states.member.seed[lane]): of(lane) for lane in here}


def assert_same(found: Any, expected: Any) -> None:
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_each_seed_begins_where_its_number_ended(real_run: Path, trained: Trained) -> None:
    found = begun(build(after(real_run)))
    assert sorted(found) == [0, 1]
    for seed, params in found.items():
        assert_same(params, trained.member(seed))
    assert not np.array_equal(found[0].w_out, found[1].w_out)


def test_seeds_are_known_by_their_number(real_run: Path, trained: Trained) -> None:
    ((seed, params),) = begun(build(after(real_run, "train.first_seed=1", "train.seeds=1"))).items()
    assert seed == 1
    assert_same(params, trained.member(1))


def test_variants_may_begin_apart(real_run: Path, trained: Trained, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        (real_run / "config.yaml").read_text()
        + "variants: [{optimizer.learning_rate: 0.1}, {optimizer.learning_rate: 0.2}]\n"
    )
    parts = build(load(config, [f"model.pretrained={real_run}"]))
    assert len(parts.labels) == 4
    for seed, params in begun(parts).items():
        assert_same(params, trained.member(seed))


def test_it_trains_on(real_run: Path, trained: Trained) -> None:
    parts = build(after(real_run))
    states, standing = parts.program.run_steps(parts.program.start(), np.int32(2), np.bool_(True))
    assert standing.step.tolist()[:2] == [2, 2]
    assert not np.array_equal(states.learnt.params.w_out[0], trained.member(0).w_out)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (["model.pretrained=nowhere"], "nowhere is no run to begin with: it holds no config.yaml"),
        (["train.seeds=3"], "has no seed_2; its members are seed_0 to seed_1"),
        (["train.first_seed=7"], "has no seed_7; its members are seed_0 to seed_1"),
    ],
)
def test_what_it_cannot_begin_with_is_refused_early(
    real_run: Path, changes: list[str], why: str
) -> None:
    for refuse in (check, build):
        with pytest.raises(ValueError, match=why):
            refuse(after(real_run, *changes))


def test_another_model_and_no_checkpoint_are_refused(real_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no parameters to begin with: .* holds another model"):
        build(after(real_run, "model.hidden_size=4"))
    copy = shutil.copytree(real_run, tmp_path / "copy")
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(ValueError, match=r"no parameters to begin with: .* holds no checkpoint"):
        build(after(copy))
    (copy / "summary.json").write_text("")
    with pytest.raises(ValueError, match="no parameters to begin with"):
        build(after(copy))


def test_sequences_add_up(real_run: Path, tmp_path: Path) -> None:
    assert build(load(real_run / "config.yaml")).sequences_before == (0, 0)
    assert build(after(real_run)).sequences_before == (80, 80)
    second = shutil.copytree(real_run, tmp_path / "second")
    summary = json.loads((second / "summary.json").read_text())
    (second / "summary.json").write_text(json.dumps(summary | {"sequences_before": [7, 8]}))
    assert build(after(second)).sequences_before == (87, 88)
