"""The engine that needs nothing: processes of this machine.

On CPUs there is a worker for each core unless `--workers` says otherwise, never more than trials,
and the cores are shared out among them as JAX's devices. With GPUs there is one worker for each of
them, which sees that GPU alone, as JAX takes most of a GPU's memory for itself. A TPU belongs to
one process: there, give `--workers 1`.
"""

import importlib.util
import os
import signal
import subprocess
from pathlib import Path

from experiments.run.environment import cores
from experiments.sweep.engines.base import Job
from experiments.sweep.process import start


class Local:
    """Runs jobs as processes; `environments` are those of the workers, one each."""

    def __init__(self, environments: list[dict[str, str]]) -> None:
        self.environments = environments
        self._free = list(range(len(environments)))
        self._running: dict[int, tuple[Job, subprocess.Popen[bytes]]] = {}

    @property
    def workers(self) -> int:
        return len(self.environments)

    def begin(self, job: Job) -> None:
        worker = self._free.pop(0)
        self._running[worker] = job, start(job, self.environments[worker])

    def ended(self) -> list[tuple[Job, int]]:
        found = []
        for worker, (job, process) in list(self._running.items()):
            if (status := process.poll()) is not None:
                del self._running[worker]
                self._free.append(worker)
                found.append((job, status))
        return found

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for _, process in self._running.values():
            process.send_signal(number)

    def close(self) -> None:
        """Nothing is held."""


def engine(trials: int, workers: int | None, folder: Path) -> Local:
    """The engine for a sweep; ValueError for more workers than there are GPUs."""
    if found := gpus():
        if workers is not None and workers > len(found):
            raise ValueError(f"--workers {workers} is more than one for each of {len(found)} GPUs")
        return Local([{"CUDA_VISIBLE_DEVICES": gpu} for gpu in found[:workers]])
    count = min(workers or cores(), trials)
    return Local([cpu_devices(cores() // count)] * count)


def cpu_devices(number: int) -> dict[str, str]:
    """The environment in which JAX has that many CPU devices, at least one; a user's own wins."""
    return {"JAX_NUM_CPU_DEVICES": os.environ.get("JAX_NUM_CPU_DEVICES", str(max(1, number)))}


def gpus() -> list[str]:
    """The NVIDIA GPUs that JAX will use, as CUDA numbers them; none where it has no use for them.

    Found without JAX, which would hold them in this process.
    """
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugins = ("jax_cuda12_plugin", "jax_cuda13_plugin")
    if (platforms and not {"cuda", "gpu"} & set(platforms.split(","))) or not any(
        map(importlib.util.find_spec, plugins)
    ):
        return []
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [each for each in visible.split(",") if each]
    try:
        query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        found = subprocess.run(query, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return found.stdout.split()
