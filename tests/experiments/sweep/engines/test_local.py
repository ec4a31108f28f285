"""Jobs as processes of this machine: which devices each has, and how it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.sweep.engines import Job, local
from experiments.sweep.engines.local import Local, engine, gpus
from tests.experiments.sweep.engines.waiting import ended, wait_for

MakeJob = Callable[..., Job]


def test_jobs_run_each_in_the_environment_of_a_worker(make_job: MakeJob, tmp_path: Path) -> None:
    here = Local([{"JAX_NUM_CPU_DEVICES": "3"}, {"JAX_NUM_CPU_DEVICES": "4"}])
    for size in (1, 2):
        here.begin(make_job(size))
    assert ended(here, 2) == {"run-1": 0, "run-2": 0}
    devices = {(tmp_path / f"run-{size}" / "devices").read_text() for size in (1, 2)}
    assert devices == {"3", "4"}
    here.begin(make_job(4))
    assert ended(here) == {"run-4": 1}
    assert (tmp_path / "run-4" / "devices").read_text() in devices


def test_a_job_killed_from_outside_has_a_negative_status(make_job: MakeJob) -> None:
    here = Local([{}])
    here.begin(make_job(7))
    assert ended(here) == {"run-7": -9}


def test_a_stop_lets_jobs_save(make_job: MakeJob, tmp_path: Path) -> None:
    here = Local([{}])
    here.begin(make_job(5))
    wait_for(tmp_path / "run-5" / "waiting")
    here.stop()
    assert ended(here) == {"run-5": 143}


def test_a_kill_does_not(make_job: MakeJob, tmp_path: Path) -> None:
    here = Local([{}])
    here.begin(make_job(5))
    wait_for(tmp_path / "run-5" / "waiting")
    here.kill()
    assert ended(here) == {"run-5": -9}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight cores, and nothing said of devices."""
    monkeypatch.setattr(local, "cores", lambda: 8)
    for name in ("JAX_NUM_CPU_DEVICES", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "trials, workers, count, devices",
    [(20, None, 8, "1"), (20, 3, 3, "2"), (3, None, 3, "2"), (1, 5, 1, "8"), (40, 16, 16, "1")],
)
def test_cores_are_shared_out(
    machine: pytest.MonkeyPatch, trials: int, workers: int | None, count: int, devices: str
) -> None:
    made = engine(trials, workers, Path())
    assert made.environments == [{"JAX_NUM_CPU_DEVICES": devices}] * count
    assert made.workers == count


def test_a_number_of_devices_that_the_user_gave_is_kept(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("JAX_NUM_CPU_DEVICES", "5")
    assert engine(20, None, Path()).environments[0] == {"JAX_NUM_CPU_DEVICES": "5"}


def install_gpus(machine: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """JAX's CUDA plugin, and an `nvidia-smi` that is a shell script."""
    machine.setattr(local.importlib.util, "find_spec", lambda name: name.endswith("cuda13_plugin"))
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    machine.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_each_gpu_has_one_worker(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install_gpus(machine, tmp_path, "printf '0\\n1\\n2\\n'")
    assert gpus() == ["0", "1", "2"]
    assert engine(20, None, Path()).environments == [{"CUDA_VISIBLE_DEVICES": n} for n in "012"]
    assert engine(20, 2, Path()).workers == 2
    with pytest.raises(ValueError, match="--workers 4 is more than one for each of 3 GPUs"):
        engine(20, 4, Path())


def test_gpus_that_are_hidden_or_not_asked_for_have_none(
    machine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_gpus(machine, tmp_path, "printf '0\\n1\\n2\\n'")
    machine.setenv("CUDA_VISIBLE_DEVICES", "2,7")
    assert gpus() == ["2", "7"]
    machine.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []
    machine.delenv("CUDA_VISIBLE_DEVICES")
    machine.setenv("JAX_PLATFORMS", "cpu")
    assert gpus() == []
    machine.setenv("JAX_PLATFORMS", "cuda,cpu")
    assert gpus() == ["0", "1", "2"]


def test_a_machine_without_a_driver_has_no_gpus(
    machine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_gpus(machine, tmp_path, "exit 9")
    assert gpus() == []
    (tmp_path / "nvidia-smi").unlink()
    assert gpus() == []
    machine.setattr(local.importlib.util, "find_spec", lambda name: None)
    assert gpus() == []
