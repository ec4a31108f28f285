"""What the figures were measured on."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.bench import peers
from experiments.run.environment import environment

STAT = Path("/proc/stat")
QUIET = 0.05
"""The share of the CPU time that other processes may take for figures to count."""


def surroundings(names: Sequence[str]) -> dict[str, Any]:
    """Versions, ours and those of the peers, hardware, date, commit and command."""
    found = environment()
    found["versions"] |= {peers.PEERS[name].package: peers.version(name) for name in names}
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return found | {"malloc": tunables}


class Neighbours:
    """How much of the machine other processes take from now on, where the system tells (Linux).

    A thread of torch spins at a barrier while another process has the core of the one it waits
    for: a neighbour that takes half of the machine can cost torch not twice the time but fifty
    times.
    """

    def __init__(self) -> None:
        self._began = self._read()

    @property
    def share(self) -> float | None:
        """Of all CPU time since; None where it is not known."""
        began, now = self._began, self._read()
        if began is None or now is None:
            return None
        whole, busy, own = (b - a for a, b in zip(began, now, strict=True))
        return max(0.0, (busy - own) / whole) if whole else 0.0

    def _read(self) -> tuple[float, float, float] | None:
        """Seconds of all cores: all, those not idle, those of this process."""
        if not STAT.exists():
            return None
        ticks = [int(word) for word in STAT.read_text("utf-8").splitlines()[0].split()[1:9]]
        tick = os.sysconf("SC_CLK_TCK")
        whole, idle = sum(ticks) / tick, sum(ticks[3:5]) / tick
        return whole, whole - idle, time.process_time()


def told(found: dict[str, Any]) -> str:
    """One sentence of where and when."""
    place = f"{found['cores']} cores of {found['cpu']}"
    if found["backend"] != "cpu":
        place = f"{found['device_kind']}, {place}"
    if found["malloc"]:
        place += f" with GLIBC_TUNABLES={found['malloc']}"
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{place}; {len(found['devices'])} JAX devices ({found['backend']}); "
        f"Python {found['python']}, {versions}; commit {found['commit']}; {found['started']}."
    )


def told_others(share: float | None) -> str:
    """One sentence of what other processes took during the run, or two.

    >>> told_others(0.031)
    'Other processes took 3% of the CPU time.'
    """
    if share is None:
        return "What other processes took of the CPU time is not known here."
    warning = f" More than {QUIET:.0%}: these figures do not count." if share > QUIET else ""
    return f"Other processes took {share:.0%} of the CPU time.{warning}"
