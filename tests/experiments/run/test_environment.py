"""What a result may depend on beside its config."""

import datetime
import os
import subprocess
from pathlib import Path

import jax
import pytest

from experiments.run import environment as module
from experiments.run.environment import PACKAGES, commit, cpu, environment


def test_it_tells_what_a_result_may_depend_on() -> None:
    found = environment()
    assert found["versions"].keys() == {"lstm_jax", *PACKAGES}
    assert found["backend"] == jax.default_backend()
    assert len(found["devices"]) == len(jax.devices())
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["device_kind"] == jax.devices()[0].device_kind
    assert found["cpu"] == cpu()
    assert found["command"][1:3] == ["-m", "experiments"]
    started = datetime.datetime.fromisoformat(found["started"])
    assert abs(datetime.datetime.now(datetime.UTC) - started) < datetime.timedelta(minutes=1)


def test_the_commit_is_that_of_the_checkout() -> None:
    root = Path(module.__file__).parents[2]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
    expected = head.stdout.strip() if head.returncode == 0 else None
    assert (commit() or "").removesuffix("-dirty") == (expected or "")


def test_outside_a_checkout_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() is None


def test_the_processor_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: other\n")
    monkeypatch.setattr(module, "CPUINFO", path)
    assert cpu() == "Some CPU @ 2 GHz"
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "none")
    assert cpu()
