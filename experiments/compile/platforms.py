"""What a training step is compiled for: `cpu`, `cuda`, or a TPU topology such as `tpu:v5e:2x2`.

A TPU is stood in for by libtpu's compiler, which needs none. Nothing but XLA itself stands in for
a GPU: without one, a program is lowered for `cuda` and not compiled.
"""

import importlib.util
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

import jax
from jax.experimental import topologies

from lstm_jax.checks import named, nearest

GIB = 2**30

HBM = {"v5e": 16 * GIB, "v5p": 95 * GIB, "v6e": 32 * GIB}
"""Bytes of memory of a TPU chip, each of them one device of JAX, as Google's documentation has it
(cloud.google.com/tpu/docs, "System architecture"). v4 is left out: libtpu compiles for its two
cores as two devices, and JAX runs on them as one."""

TOPOLOGIES = ("tpu:v5e:2x2", "tpu:v5p:2x2x1", "tpu:v6e:2x2")
"""Examples of what libtpu knows: a generation, and how many chips stand along each axis."""

LIBTPU = {
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # compiling takes no chip that another process may hold
    "TPU_SKIP_MDS_QUERY": "1",  # with the three that follow: ask no server what machine this is
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_LOG_DIR": "disabled",
}


class Target(NamedTuple):
    """What to compile for."""

    name: str
    """"cpu", "cuda" or "tpu", as XLA calls it."""
    devices: Sequence[jax.Device]
    """What `run` would find there; where nothing `compiles`, one that stands for it."""
    memory: int | None
    """Bytes of one device, or of all that share them; None where that is not known."""
    source: str
    """Whose memory that is, or who says so."""
    shared: bool = False
    compiles: bool = True

    @property
    def executors(self) -> str:
        """What executors call the platform."""
        return "gpu" if self.name == "cuda" else self.name


def find(platform: str) -> Target:
    """The target of that name; ValueError for one that there is not, or not here."""
    kind, colon, _ = platform.partition(":")
    if kind == "gpu":
        raise ValueError("unknown platform 'gpu'; did you mean 'cuda'?")
    named("platform", kind, dict.fromkeys(("cpu", "cuda", "tpu")))
    if kind == "tpu":
        return _tpu(platform)
    if colon:
        raise ValueError(f"platform {platform!r} must be {kind!r} alone; only tpu has topologies")
    return _cpu() if kind == "cpu" else _cuda()


def _cpu() -> Target:
    jax.config.update("jax_platforms", "cpu")  # an accelerator is left to those who use it
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Target("cpu", jax.devices("cpu"), memory, "this machine's memory", shared=True)


def _cuda() -> Target:
    try:
        jax.config.update("jax_platforms", "cuda,cpu")
        devices = jax.devices("cuda")
    except RuntimeError:
        jax.config.update("jax_platforms", "cpu")
        return Target("cuda", jax.devices("cpu")[:1], None, "", compiles=False)
    memory = (devices[0].memory_stats() or {}).get("bytes_limit")  # None as allocators differ
    return Target("cuda", devices, memory, f"what JAX may take of a {devices[0].device_kind}")


def _tpu(platform: str) -> Target:
    topology = platform.partition(":")[2]
    generation, _, layout = topology.partition(":")
    such_as = f"such as {', '.join(TOPOLOGIES)}"
    if not re.fullmatch(r"\d+(x\d+){1,2}", layout):
        raise ValueError(f"{platform!r} is no generation and chips along each axis, {such_as}")
    if generation not in HBM:
        raise ValueError(f"unknown TPU generation {generation!r}; {nearest(generation, HBM)}")
    if importlib.util.find_spec("libtpu") is None:
        raise ValueError(
            f'platform {platform!r} needs libtpu, which is not installed: pip install ".[tpu-aot]"'
        )
    for name, value in LIBTPU.items():
        os.environ.setdefault(name, value)
    jax.config.update("jax_platforms", "cpu")
    try:
        devices = topologies.get_topology_desc(topology, "tpu").devices
    except jax.errors.JaxRuntimeError as error:
        why = str(error).partition("\n")[0].partition(": ")[2]
        raise ValueError(f"no topology {platform!r}, {such_as}; libtpu: {why}") from None
    return Target(
        "tpu", devices, HBM[generation], f"HBM of a {generation}, by Google's documentation"
    )
