"""In a process of its own: keras has one backend a process, and other tests use another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("equinox")  # of the same extra; to import keras here would choose its backend

ROOT = Path(__file__).parents[4]
SCRIPT = """
import jax
jax.config.update("jax_num_cpu_devices", 2)
from experiments.bench.peers import keras
from tests.experiments.bench.peers.live import EACH_WAY, checked
assert checked("keras", keras) == {"keras LSTM": EACH_WAY}
"""


def run(script: str, backend: str | None) -> subprocess.CompletedProcess[str]:
    surroundings = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    surroundings |= {} if backend is None else {"KERAS_BACKEND": backend}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)


def test_each_way() -> None:
    done = run(SCRIPT, None)
    assert done.returncode == 0, done.stderr


def test_another_backend_is_refused() -> None:
    done = run(SCRIPT, "torch")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "keras runs on its backend 'torch' here and is compared on JAX; set KERAS_BACKEND=jax"
    )
