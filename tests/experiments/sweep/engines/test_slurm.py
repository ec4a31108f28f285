"""Jobs through submitit, on its cluster of local processes; skipped where it is missing."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("submitit")

from experiments.sweep.engines import Job, load
from experiments.sweep.engines.slurm import Slurm, engine
from tests.experiments.sweep.engines.waiting import ended, wait_for

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.filterwarnings("ignore")  # submitit leaves its processes to the collector


@pytest.fixture
def local(tmp_path: Path) -> Slurm:
    return Slurm(2, tmp_path / "slurm", cluster="local")


def test_there_has_to_be_a_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load("slurm") is engine
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="--engine slurm submits with sbatch, which is not on"):
        engine(3, None, tmp_path)


def test_jobs_run_and_their_status_comes_back(local: Slurm, make_job: MakeJob) -> None:
    for size in (2, 4, 7):
        local.begin(make_job(size))
    assert ended(local, 3) == {"run-2": 0, "run-4": 1, "run-7": -9}


def test_a_stop_lets_jobs_save(local: Slurm, make_job: MakeJob, tmp_path: Path) -> None:
    local.begin(make_job(5))
    wait_for(tmp_path / "run-5" / "waiting")
    local.stop()
    (status,) = ended(local).values()
    assert status in (143, -9)
    assert not (tmp_path / "run-5" / "summary.json").exists()


def test_a_job_whose_time_is_up_saves_and_goes_on(
    local: Slurm, make_job: MakeJob, tmp_path: Path
) -> None:
    local.begin(make_job(5))
    wait_for(tmp_path / "run-5" / "waiting")
    trial = int((tmp_path / "run-5" / "checkpoint").read_text())
    os.kill(parent(trial), signal.SIGUSR2)  # as Slurm does before a time limit or a pre-emption
    assert ended(local) == {"run-5": 0}
    assert len((tmp_path / "run-5" / "checkpoint").read_text().split()) == 2


def test_a_job_that_cannot_run_says_why_in_the_log(local: Slurm, tmp_path: Path) -> None:
    job = Job("a", ("no\0such",), tmp_path / "logs" / "a.log")
    local.begin(job)
    assert ended(local) == {"a": 1}
    assert "ValueError: embedded null byte" in job.log.read_text()


@pytest.mark.parametrize("cores", ["0", "all", "2.5"])
def test_a_number_of_cores_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: str
) -> None:
    monkeypatch.setenv("SBATCH_CPUS_PER_TASK", cores)
    with pytest.raises(ValueError, match=f"SBATCH_CPUS_PER_TASK is '{cores}'; expected a number"):
        Slurm(1, tmp_path, cluster="local")


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
