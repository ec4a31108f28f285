import os
from pathlib import Path

import jax
import pytest

from experiments.bench import hardware
from experiments.bench.hardware import Neighbours, surroundings, told, told_others


def test_everything_a_figure_depends_on() -> None:
    found = surroundings(["nnx"])
    assert found.keys() >= {
        "command",
        "started",
        "commit",
        "cores",
        "cpu",
        "devices",
        "device_kind",
    }
    assert {"jax", "flax", "lstm_jax"} <= found["versions"].keys()
    sentence = told(found)
    for word in (
        found["cpu"],
        found["started"],
        found["versions"]["jax"],
        f"{len(jax.devices())} JAX devices (cpu)",
    ):
        assert word in sentence


def test_a_gpu_is_named() -> None:
    found = surroundings([]) | {"backend": "gpu", "device_kind": "NVIDIA H1", "cpu": "a CPU"}
    assert told(found).startswith("NVIDIA H1, ")


def test_neighbours_are_what_is_busy_and_not_us(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 100 seconds of all cores 60 are idle, 30 ours, 10 theirs."""
    path, tick, own = tmp_path / "stat", os.sysconf("SC_CLK_TCK"), [5.0]

    def write(user: float, idle: float, steal: float) -> None:
        ticks = [round(seconds * tick) for seconds in (user, 0, 0, idle, 0, 0, 0, steal, 0, 0)]
        path.write_text(f"cpu  {' '.join(map(str, ticks))}\ncpu0 1 2 3\n")

    monkeypatch.setattr(hardware, "STAT", path)
    monkeypatch.setattr(hardware.time, "process_time", lambda: own[0])
    write(1000, 2000, 0)
    neighbours = Neighbours()
    write(1036, 2060, 4)
    own[0] = 35.0
    assert neighbours.share == pytest.approx(0.1)


def test_neighbours_are_not_known_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hardware, "STAT", tmp_path / "none")
    assert Neighbours().share is None


def test_a_busy_machine_is_told() -> None:
    assert told_others(0.05) == "Other processes took 5% of the CPU time."
    assert "these figures do not count" in told_others(0.3)
    assert "not known" in told_others(None)


@pytest.mark.parametrize("tunables", ["", "glibc.malloc.hugetlb=1"])
def test_how_memory_is_allocated_is_told(tunables: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", tunables)
    assert (f"with GLIBC_TUNABLES={tunables};" in told(surroundings([]))) == bool(tunables)
