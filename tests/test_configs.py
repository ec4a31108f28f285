"""Every config of the checkout: it loads, says what to expect of it, and its run can be traced.

And every sweep of them, and every study that is a sweep.
"""

import shlex
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from experiments.__main__ import parse
from experiments.build import build
from experiments.build import check as check_buildable
from experiments.config import Experiment, dump, load
from experiments.frontier.command import STUDY
from experiments.frontier.study import study_of
from experiments.sweep.sheet import Sheet, is_sheet, load_sheet
from experiments.sweep.trials import Trial, group

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path.relative_to(ROOT) for path in (ROOT / "configs").rglob("*"))
YAML = [path for path in CONFIGS if path.suffix == ".yaml"]
STUDIES = [path for path in YAML if "studies" in path.parts]
SWEEPS = [path for path in YAML if is_sheet(ROOT / path) and path not in STUDIES]
PAPERS = Path("configs", "papers")
FILES = [path for path in YAML if path not in SWEEPS + STUDIES]

pytestmark = pytest.mark.usual_promotion  # Adam multiplies int32 by float


@pytest.fixture(params=FILES, ids=str)
def config(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config as its command names it, from the root of the checkout."""
    monkeypatch.chdir(ROOT)
    return request.param


@pytest.fixture(params=SWEEPS, ids=str)
def sweep(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep as its command names it, from the root of the checkout."""
    monkeypatch.chdir(ROOT)
    return request.param


@pytest.fixture
def sheet(sweep: Path) -> Sheet:
    return load_sheet(sweep)


@pytest.fixture
def experiment(config: Path) -> Experiment:
    return load(config)


def header(config: Path) -> dict[str, str]:
    """The comment at the head of a config: labels, and what follows each up to the next."""
    found: dict[str, str] = {"": ""}
    label = ""
    for line in (ROOT / config).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        words = line.removeprefix("#").split()
        if words and line.startswith("#   ") and line[4] != " ":
            label = words.pop(0)
        found[label] = " ".join([*found.get(label, "").split(), *words])
    return found


def test_there_is_nothing_but_configs() -> None:
    assert [path for path in CONFIGS if path.suffix not in ("", ".yaml")] == []


def test_it_loads_and_reads_back_equal(experiment: Experiment, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(dump(experiment), "utf-8")
    assert load(tmp_path / "config.yaml") == experiment


def test_it_has_a_title(experiment: Experiment) -> None:
    assert 10 < len(experiment.title) <= 100


def test_its_header_gives_a_summary_and_the_command(config: Path) -> None:
    labels = header(config)
    assert len(labels[""]) > 20
    program, *arguments = shlex.split(labels["command"])
    assert (program, arguments[:3]) == ("python", ["-m", "experiments", "run"])
    assert arguments[3] == str(config)
    load(config, arguments[4:])


def test_every_header_gives_the_cost_and_the_result() -> None:
    assert [path for path in YAML if len(header(path).get("cost", "")) < 5] == []
    assert [path for path in YAML if len(header(path).get("result", "")) < 20] == []


def test_its_run_can_be_traced(experiment: Experiment) -> None:
    trace(experiment)


def trace(experiment: Experiment) -> None:
    """Everything but the compiler: task, model, optimizer and mesh fit together."""
    program = build(experiment).program
    state = jax.eval_shape(program.start)
    jax.eval_shape(program.run_steps, state, jnp.int32(0), jnp.bool_(True))
    jax.eval_shape(program.evaluate, state, jnp.ones(program.lanes.count, bool))


def test_a_sweep_has_a_title_and_reads_back_equal(sheet: Sheet, tmp_path: Path) -> None:
    assert 10 < len(sheet.title) <= 100
    (tmp_path / "sweep.yaml").write_text(sheet.dump(str(sheet.config.absolute())), "utf-8")
    assert load_sheet(tmp_path / "sweep.yaml").cells == sheet.cells


def test_the_header_of_a_sweep_gives_a_summary_and_the_command(sweep: Path) -> None:
    labels = header(sweep)
    assert len(labels[""]) > 20
    command = ["sweep", str(sweep)]
    if sweep.is_relative_to(PAPERS):
        command = ["reproduce", sweep.parent.name, "--recipe", sweep.stem]
    assert shlex.split(labels["command"]) == ["python", "-m", "experiments", *command]


def test_the_cells_of_a_sweep_can_be_built(sheet: Sheet) -> None:
    for cell in sheet.cells:
        check_buildable(cell.experiment)


TRIALS = [
    pytest.param(trial, id=f"{path}-{number}")
    for path in SWEEPS
    for number, trial in enumerate(group(each.experiment for each in load_sheet(ROOT / path).cells))
]


@pytest.mark.few(6)
@pytest.mark.parametrize("trial", TRIALS)
def test_the_trials_of_a_sweep_can_be_traced(trial: Trial) -> None:
    trace(trial.experiment)


@pytest.mark.parametrize("path", STUDIES, ids=str)
def test_a_study_can_be_climbed_by_its_command(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    study = study_of(load_sheet(path))
    assert 10 < len(study.sheet.title) <= 100
    for cell in study.sheet.cells:
        check_buildable(cell.experiment)
    program = shlex.split(header(path)["command"])
    options = parse(program[3:])
    assert program[:4] == ["python", "-m", "experiments", "frontier"]
    assert (options.study or STUDY).relative_to(ROOT) == path
