"""The engine of Ray Core: a task for each trial, on this machine or on all of a cluster.

It joins the cluster that RAY_ADDRESS names or that runs on this machine, and starts Ray here where
there is none. Other machines must see this directory under the same path. `--workers` says how many
tasks run at once, among which the CPUs are shared out; left out, each takes one CPU. Where the
cluster has GPUs each task takes one of them instead, and sees no other.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray

from experiments.sweep.engines.base import LOST, Job
from experiments.sweep.engines.local import cpu_devices
from experiments.sweep.process import could_not_run, run

HANDED_ON = ("JAX_", "XLA_", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Beginnings of the names of variables that a task takes over from the sweep."""


class Ray:
    """Runs jobs as Ray tasks, `workers` at once, each taking `resources` of the cluster."""

    def __init__(
        self, workers: int, environment: Mapping[str, str], resources: Mapping[str, float]
    ) -> None:
        self.workers = workers
        self._environment = environment
        self._task = ray.remote(run_in).options(max_retries=0, **resources)
        self._running: dict[Any, Job] = {}

    def begin(self, job: Job) -> None:
        self._running[self._task.remote(job, self._environment, os.getcwd())] = job

    def ended(self) -> list[tuple[Job, int]]:
        if not self._running:
            return []
        tasks = list(self._running)
        ready, _ = ray.wait(tasks, num_returns=len(tasks), timeout=0)
        jobs = [self._running.pop(task) for task in ready]
        return [(job, _status(job, task)) for job, task in zip(jobs, ready, strict=True)]

    def stop(self) -> None:
        for task in self._running:
            ray.cancel(task)  # an interrupt in the task, which `run` takes for a request to save

    def kill(self) -> None:
        for task in self._running:
            ray.cancel(task, force=True)

    def close(self) -> None:
        ray.shutdown()


def _status(job: Job, task: Any) -> int:
    try:
        return int(ray.get(task))
    except ray.exceptions.RayTaskError as error:  # the task itself, not the trial
        return could_not_run(job, error)
    except ray.exceptions.RayError:  # the worker or its machine is gone, or it was cancelled
        return LOST


def run_in(job: Job, environment: Mapping[str, str], folder: str) -> int:
    """Run a job in a folder of this machine; a task of Ray's."""
    with contextlib.chdir(folder):
        return run(job, environment)


def engine(trials: int, workers: int | None, folder: Path) -> Ray:
    """The engine for a sweep, joined to a cluster."""
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="warning")
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    environment = {key: value for key, value in os.environ.items() if key.startswith(HANDED_ON)}
    if gpus := int(sum(node.get("GPU", 0) for node in nodes)):
        return Ray(min(workers or gpus, trials), environment, {"num_cpus": 1, "num_gpus": 1})
    cpus = int(sum(node.get("CPU", 0) for node in nodes))
    count = min(workers or cpus, trials)
    share = max(1, min(cpus // count, *(int(node["CPU"]) for node in nodes if "CPU" in node)))
    return Ray(count, environment | cpu_devices(share), {"num_cpus": share})
