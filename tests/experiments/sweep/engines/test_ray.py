"""Jobs as tasks of Ray Core, on a cluster that the test starts; skipped where Ray is missing."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ray = pytest.importorskip("ray")

from experiments.sweep.engines import Job, load  # noqa: E402
from experiments.sweep.engines.base import LOST  # noqa: E402
from experiments.sweep.engines.ray import Ray, engine  # noqa: E402
from experiments.sweep.schedule import run_trials  # noqa: E402
from experiments.sweep.stopping import StopRequests  # noqa: E402
from tests.experiments.sweep.engines.waiting import ended, wait_for  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, from its threads

MakeJob = Callable[..., Job]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One machine of four CPUs."""
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.fixture
def joined(cluster: None) -> Ray:
    return engine(trials=8, workers=2, folder=Path())


def test_it_is_found_by_its_name() -> None:
    assert load("ray") is engine


def test_jobs_run_with_their_share_of_the_cluster(
    joined: Ray, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_NUM_CPU_DEVICES", raising=False)
    shared = engine(trials=8, workers=2, folder=Path())
    assert shared.workers == 2
    shared.begin(make_job(2))
    shared.begin(make_job(4))
    assert ended(shared, 2) == {"run-2": 0, "run-4": 1}
    assert (tmp_path / "run-2" / "devices").read_text() == "2"
    assert (tmp_path / "logs" / "run-4.log").read_text().endswith("no space left on device\n")


def test_without_workers_each_takes_one_cpu(cluster: None) -> None:
    assert engine(trials=100, workers=None, folder=Path()).workers == 4
    assert engine(trials=3, workers=None, folder=Path()).workers == 3


def test_a_stop_lets_jobs_save(joined: Ray, make_job: MakeJob, tmp_path: Path) -> None:
    joined.begin(make_job(5))
    wait_for(tmp_path / "run-5" / "waiting")
    joined.stop()
    assert ended(joined)["run-5"] in (143, LOST)
    assert not alive(int((tmp_path / "run-5" / "checkpoint").read_text()))


def test_a_trial_and_a_worker_that_are_killed_are_run_again(
    joined: Ray, make_job: MakeJob, tmp_path: Path
) -> None:
    """Trial 3 kills itself; of trial 5 it is Ray's worker that is killed, and the trial follows."""
    jobs = [make_job(3), make_job(5)]
    killed: list[int] = []

    def kill_worker(_: object) -> None:
        if not killed and (tmp_path / "run-5" / "waiting").exists():
            trial = int((tmp_path / "run-5" / "checkpoint").read_text())
            worker = int(Path(f"/proc/{trial}/stat").read_text().rpartition(")")[2].split()[1])
            killed.extend([trial, worker])
            os.kill(worker, signal.SIGKILL)

    def finished(name: str) -> bool:
        return (tmp_path / name / "summary.json").exists()

    with StopRequests() as signals:
        state = run_trials(jobs, joined, finished, signals, kill_worker)
    assert (sorted(state.done), state.failed, state.retries) == (["run-3", "run-5"], {}, 2)
    assert not any(map(alive, killed))
    for run in ("run-3", "run-5"):
        assert len((tmp_path / run / "checkpoint").read_text().split()) == 2


def test_a_task_that_cannot_run_says_why_in_the_log(joined: Ray, tmp_path: Path) -> None:
    job = Job("a", ("no\0such",), tmp_path / "logs" / "a.log")
    joined.begin(job)
    assert ended(joined) == {"a": 1}
    assert job.log.read_text().strip().endswith("ValueError: embedded null byte")


def alive(process: int) -> bool:
    until = time.monotonic() + 10
    while Path(f"/proc/{process}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return Path(f"/proc/{process}").exists()
