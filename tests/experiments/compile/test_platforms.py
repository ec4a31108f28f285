"""What can be compiled for, by name."""

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from experiments.compile.platforms import GIB, HBM, LIBTPU, TOPOLOGIES, find
from lstm_jax.training import choose_mesh

pytestmark = pytest.mark.usefixtures("as_before")


def without_libtpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_the_cpu_is_that_of_this_machine() -> None:
    target = find("cpu")
    assert (target.name, target.executors, target.compiles) == ("cpu", "cpu", True)
    assert list(target.devices) == jax.devices("cpu")
    assert target.shared
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        total = next(line for line in meminfo.read_text().splitlines() if "MemTotal" in line)
        assert target.memory == int(total.split()[1]) * 1024


def test_without_a_gpu_one_device_stands_for_it() -> None:
    if jax.default_backend() == "gpu":
        pytest.skip("there is a GPU here")
    target = find("cuda")
    assert (target.name, target.executors) == ("cuda", "gpu")
    assert (len(target.devices), target.memory, target.compiles) == (1, None, False)


@pytest.mark.parametrize("told", [{"bytes_limit": 96 * GIB}, None])
def test_with_gpus_all_of_them_count(
    told: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu: Any = SimpleNamespace(device_kind="NVIDIA H200", memory_stats=lambda: told)
    monkeypatch.setattr(jax, "devices", {"cuda": [gpu, gpu]}.__getitem__)
    target = find("cuda")
    assert target.devices == [gpu, gpu]
    assert target.memory == (96 * GIB if told else None)
    assert (target.compiles, target.shared) == (True, False)
    assert "NVIDIA H200" in target.source


@pytest.mark.parametrize("platform", TOPOLOGIES)
def test_tpus_are_those_that_a_run_would_find(libtpu: None, platform: str) -> None:
    target = find(platform)
    generation = platform.split(":")[1]
    assert (target.name, target.executors, target.compiles) == ("tpu", "tpu", True)
    assert (target.memory, target.shared) == (HBM[generation], False)
    assert {device.platform for device in target.devices} == {"tpu"}
    assert len({tuple(device.coords) for device in target.devices}) == len(target.devices) == 4
    mesh = choose_mesh(target.devices, groups=2, shares=2)
    assert dict(mesh.shape) == {"seeds": 2, "data": 2}


def test_a_user_s_own_settings_of_libtpu_stand(
    libtpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LIBTPU:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TPU_WORKER_ID", "1")
    assert len(find("tpu:v5e:1x1").devices) == 1
    assert {name: os.environ[name] for name in LIBTPU} == LIBTPU | {"TPU_WORKER_ID": "1"}


@pytest.mark.parametrize(
    "platform, sentence",
    [
        ("cdua", "unknown platform 'cdua'; did you mean 'cuda'? known: cpu, cuda, tpu"),
        ("CPU", "unknown platform 'CPU'; did you mean 'cpu'? known: cpu, cuda, tpu"),
        ("gpu", "unknown platform 'gpu'; did you mean 'cuda'?"),
        ("", "unknown platform ''; known: cpu, cuda, tpu"),
        ("cpu:2", "platform 'cpu:2' must be 'cpu' alone; only tpu has topologies"),
        ("cuda:", "platform 'cuda:' must be 'cuda' alone; only tpu has topologies"),
        ("tpu", "'tpu' is no generation and chips along each axis, such as tpu:v5e:2x2, "),
        ("tpu:v5e", "'tpu:v5e' is no generation and chips along each axis, such as tpu:v5e:2x2, "),
        ("tpu:v5e:two", "'tpu:v5e:two' is no generation and chips along each axis, such as "),
        ("tpu:v5d:2x2", "unknown TPU generation 'v5d'; did you mean 'v5p'? known: v5e, v5p, v6e"),
        ("tpu:v5e:2x2", "platform 'tpu:v5e:2x2' needs libtpu, which is not installed: pip install"),
    ],
)
def test_refusals(platform: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_libtpu(monkeypatch)
    with pytest.raises(ValueError, match=r"platform|TPU|axis") as error:
        find(platform)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_a_topology_that_libtpu_does_not_have(libtpu: None) -> None:
    with pytest.raises(ValueError, match="no topology 'tpu:v5e:9x9', such as") as error:
        find("tpu:v5e:9x9")
    assert "not divisible" in str(error.value)
    assert "\n" not in str(error.value)
