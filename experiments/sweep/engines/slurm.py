"""The engine of a Slurm cluster, through submitit: a Slurm job for each trial.

What Slurm needs to know is taken from the variables that sbatch reads: SBATCH_PARTITION,
SBATCH_ACCOUNT, SBATCH_TIMELIMIT, SBATCH_GPUS_PER_NODE and so on; and SBATCH_CPUS_PER_TASK, which it
does not read itself. A trial spreads over the cores that Slurm gives it. At its time limit, and
where it is pre-empted, a trial saves and is queued again. `--workers` says how many jobs are
submitted at once; left out, all are. The sweep has to go on for as long as its jobs: killed with
SIGKILL it leaves them in the queue.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError
from submitit.helpers import DelayedSubmission

from experiments.sweep.engines.base import LOST, Job
from experiments.sweep.process import could_not_run, start, wait

MINUTES = 60
"""The time limit where SBATCH_TIMELIMIT says none; few partitions allow less."""
REQUEUES = 1000
"""How often a trial may meet its time limit."""


class Run:
    """A job as submitit runs it; `checkpoint` is called before its time is up."""

    process: subprocess.Popen[bytes]

    def __call__(self, job: Job, folder: str) -> int:
        os.chdir(folder)
        self.process = start(job, {})
        return wait(self.process)

    def checkpoint(self, job: Job, folder: str) -> DelayedSubmission:
        """Have the trial save and end, and say what is to be queued again."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return DelayedSubmission(Run(), job, folder)


class Slurm:
    """Submits jobs to a cluster of submitit's: "slurm", or "local" for one of processes."""

    def __init__(self, workers: int, folder: Path, cluster: str = "slurm") -> None:
        self.workers = workers
        self._executor = submitit.AutoExecutor(folder, cluster, slurm_max_num_timeout=REQUEUES)
        given = os.environ.get("SBATCH_CPUS_PER_TASK", "1")
        if not given.isdecimal() or int(given) < 1:
            raise ValueError(f"SBATCH_CPUS_PER_TASK is {given!r}; expected a number of cores")
        self._executor.update_parameters(
            name="lstm_jax", timeout_min=MINUTES, cpus_per_task=int(given)
        )
        self._running: list[tuple[Job, submitit.Job[int]]] = []

    def begin(self, job: Job) -> None:
        self._running.append((job, self._executor.submit(Run(), job, os.getcwd())))

    def ended(self) -> list[tuple[Job, int]]:
        done = [pair for pair in self._running if pair[1].done()]
        self._running = [pair for pair in self._running if pair not in done]
        return [(job, _status(job, submitted)) for job, submitted in done]

    def stop(self) -> None:
        for _, submitted in self._running:
            submitted.cancel()

    def kill(self) -> None:
        self.stop()  # Slurm follows it up with SIGKILL

    def close(self) -> None:
        """Nothing is held."""


def _status(job: Job, submitted: "submitit.Job[int]") -> int:
    try:
        return submitted.result()
    except FailedJobError as error:  # submitit's process, not the trial
        return could_not_run(job, error)
    except UncompletedJobError:  # cancelled, or its machine is gone
        return LOST


def engine(trials: int, workers: int | None, folder: Path) -> Slurm:
    """The engine for a sweep; ValueError where there is no Slurm."""
    if shutil.which("sbatch") is None:
        raise ValueError("--engine slurm submits with sbatch, which is not on the PATH here")
    return Slurm(min(workers or trials, trials), folder / "logs" / "slurm")
