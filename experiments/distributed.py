"""One run over several hosts: their processes join, agree, and read what all of them hold.

Every process runs the same program on the same config; together they have all the devices. What
is asked of all here has to be called by all, in the same order. In a run that nothing joined these
functions are the identity and touch no device.
"""

import collections
import os
import re
import socket
import sys
from typing import Any, NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

DETECTED = {"auto": None, "mpi4py": "mpi4py"}
"""What may stand for an address, and how JAX is then to find it: by the surroundings that it knows
(Slurm, Open MPI before 5, Kubernetes, TPU pods), or by MPI itself, through the package mpi4py."""


def join(spec: str) -> None:
    """Join the processes of a run, before anything touches a device.

    JAX waits five minutes for processes that do not come, and then ends this one (SIGABRT).

    Args:
        spec: HOST:PORT,COUNT,INDEX: where process 0 can be reached, how many processes there are
            and which of them this is; or a word of `DETECTED`.

    Raises ValueError for a `spec` that cannot serve.
    """
    found = _parse(spec)
    # Signals are the run's own business: JAX would take SIGTERM for a notice of pre-emption.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(**found)
    except (ImportError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"--distributed {spec} cannot join the processes of a run: {error}"
            + ("; give HOST:PORT,COUNT,INDEX" if spec in DETECTED else "")
        ) from error
    devices = collections.Counter(device.process_index for device in jax.devices())
    if len(set(devices.values())) > 1:
        raise ValueError(
            "--distributed needs as many devices in every process, and there are "
            f"{', '.join(str(devices[i]) for i in sorted(devices))}; "
            "JAX_NUM_CPU_DEVICES sets the number of those on CPUs"
        )


def _parse(spec: str) -> dict[str, Any]:
    """The arguments of `jax.distributed.initialize` that a `spec` means."""
    if spec in DETECTED:
        return {"cluster_detection_method": DETECTED[spec]}
    parts = re.fullmatch(r"(?P<host>.+):(?P<port>\d+),(?P<count>\d+),(?P<index>\d+)", spec)
    if parts is None:
        raise ValueError(
            f"--distributed {spec!r} must be HOST:PORT,COUNT,INDEX, as in 10.0.0.1:8476,4,0, "
            f"or one of {', '.join(DETECTED)}"
        )
    port, count, index = int(parts["port"]), int(parts["count"]), int(parts["index"])
    if not 0 < port < 2**16:
        raise ValueError(f"--distributed {spec!r}: PORT must be 1 to {2**16 - 1}, got {port}")
    if index >= count:
        raise ValueError(
            f"--distributed {spec!r}: INDEX must be below COUNT, got {index} of {count}"
        )
    if index == 0:
        _hold_free(port)
    return {
        "coordinator_address": f"{parts['host']}:{port}",
        "num_processes": count,
        "process_id": index,
        "cluster_detection_method": "deactivate",
    }


def _hold_free(port: int) -> None:
    """ValueError for a port that process 0 cannot listen on; some versions of JAX crash there."""
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        raise ValueError(
            f"--distributed: process 0 cannot listen on port {port}: {error.strerror}"
        ) from None


def leave() -> None:
    """Part from the others at the end of a run, once all of them are there."""
    if joined():
        jax.distributed.shutdown()


def abandon(status: int) -> NoReturn:
    """End this process at once because of a failure that the others do not know of.

    They fail in turn when they next ask something of all; an ordinary exit would wait for them,
    and they for it. To be called with all files closed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def joined() -> bool:
    """Whether this process shares its run with others."""
    return jax.distributed.is_initialized()


def first() -> bool:
    """Whether this is the process that writes and speaks for all."""
    return not joined() or jax.process_index() == 0


def any_of(flag: bool) -> bool:
    """Whether the flag is set in any process; returns once all have asked."""
    return bool(multihost_utils.process_allgather(np.array(flag)).any()) if joined() else flag


def from_first(value: np.ndarray) -> np.ndarray:
    """The array of process 0, bit for bit; shape and dtype have to be the same in all."""
    if not joined() or value.size == 0:
        return value
    # As bytes: JAX makes 32 bits of the 64 of an array.
    raw = np.frombuffer(value.tobytes(), np.uint8)
    told: np.ndarray = np.asarray(multihost_utils.broadcast_one_to_all(raw))
    return np.frombuffer(told.tobytes(), value.dtype).reshape(value.shape)


def text_from_first(text: str) -> str:
    """The text of process 0, whatever that of the others."""
    if not joined():
        return text
    raw = text.encode()
    told = np.zeros(from_first(np.array(len(raw))), np.uint8)
    if first():
        told[:] = np.frombuffer(raw, np.uint8)
    return from_first(told).tobytes().decode()


def fetch(tree: Any) -> Any:
    """The arrays of a tree whole and on the host, in every process: `jax.device_get` for all."""
    return jax.tree.map(_whole, tree) if joined() else jax.device_get(tree)


def _whole(leaf: Any) -> Any:
    if not isinstance(leaf, jax.Array) or leaf.is_fully_addressable:
        return jax.device_get(leaf)
    return multihost_utils.process_allgather(leaf, tiled=True)


def hold_all_take_part(mesh: Mesh) -> None:
    """ValueError for a mesh that leaves a process without work, which could not follow the run."""
    taking_part = {device.process_index for device in mesh.devices.flat}
    idle = sorted(set(range(jax.process_count())) - taking_part) if joined() else []
    if idle:
        raise ValueError(
            f"process {idle[0]} of {jax.process_count()} has no share in the run, which takes "
            f"{mesh.devices.size} of {len(jax.devices())} devices; more take part with more groups "
            "of seeds (train.seeds, train.side_by_side) or shares of each batch (train.shares)"
        )
